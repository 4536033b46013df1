/** A list of API errors. Each starts with its code, which links to the documentation. */
import type { ApiError } from "../shared/api";
import { docsLink } from "../shared/docs";

export function ErrorList({ errors, label }: { errors: ApiError[]; label: string }) {
  return (
    <ul className="errors" aria-label={label}>
      {errors.map((error, number) => (
        <li key={number}>
          <Code error={error} /> <Message text={error.message} /> <Details error={error} />
        </li>
      ))}
    </ul>
  );
}

/** The server marks code with backticks, and shows a position in a document as text of several lines. */
function Message({ text }: { text: string }) {
  if (text.includes("\n")) return <code className="multiline">{text}</code>;
  const parts = text.split("`");
  return <span>{parts.map((part, number) => (number % 2 === 1 ? <code key={number}>{part}</code> : part))}</span>;
}

function Code({ error }: { error: ApiError }) {
  const { code = "ERROR", docs } = error.extensions ?? {};
  const link = docsLink(docs);
  if (link === undefined) return <code className="code">{code}</code>;
  return (
    <a className="code" href={link} target="_blank" rel="noopener">
      <code>{code}</code>
    </a>
  );
}

function Details({ error: { path, extensions = {} } }: { error: ApiError }) {
  const { reason, retryAfterSeconds, requestId } = extensions;
  const details = [
    path === undefined ? "" : `at ${path.join(".")}`,
    reason === undefined ? "" : `reason ${reason}`,
    retryAfterSeconds === undefined ? "" : `retry after ${retryAfterSeconds} s`,
    requestId === undefined ? "" : `request ${requestId}`,
  ].filter((detail) => detail !== "");
  return details.length === 0 ? null : <small>{details.join(" · ")}</small>;
}
