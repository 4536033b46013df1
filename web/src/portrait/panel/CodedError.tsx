/** An error as the API codes it, in the place of what it took away. */
import { useEffect, useState, type ReactNode } from "react";
import type { ApiError } from "../../shared/api";
import { docsLink } from "../../shared/docs";
import { moment } from "../model/format";

/** What to do, where the message alone does not say it. Texts after `docs/errors.md`. */
const ADVICE: Record<string, string> = {
  AUTHENTICATION_FAILED: "Check the key in the bar on top. If it is right, ask the operator whether it was revoked.",
  API_KEY_EXPIRED: "Put the new key into the bar on top, or ask the operator for one.",
  FORBIDDEN: "Ask the operator for a key with that scope.",
  INSUFFICIENT_DATA: "It stays so until the next epoch.",
  NETWORK: "Look whether the server runs, then try again.",
};

export function CodedError({ error, size, children }: { error: ApiError; size?: "small"; children?: ReactNode }) {
  const { code, reason, docs, returnsAt, needs, suggestions } = error.extensions ?? {};
  const link = docsLink(docs);
  const needed = (Array.isArray(needs) ? needs : []).map((scope) => String(scope).toLowerCase());
  // The message of a refusal names the scope already.
  const unsaid = needed.some((scope) => !error.message.toLowerCase().includes(scope));
  const advice = code === undefined || size === "small" ? undefined : ADVICE[code];
  return (
    <div className={`coded ${size === "small" ? "coded-small" : ""}`} data-code={code}>
      <p>
        {code === undefined ? null : (
          <strong className="code">
            {link === undefined ? code : <Docs to={link}>{code}</Docs>}
            {reason === undefined ? null : <span className="reason">{` ${reason}`}</span>}
          </strong>
        )}{" "}
        <span>{error.message}</span>
        {unsaid ? <span>{` Needs the scope ${needed.join(" or ")}.`}</span> : null}
        {typeof returnsAt === "string" && !error.message.includes(returnsAt) ? (
          <span>{` Enough units return on ${moment(returnsAt)}.`}</span>
        ) : null}
        {Array.isArray(suggestions) && suggestions.length > 0 ? (
          <span>{` Near it: ${suggestions.join(", ")}.`}</span>
        ) : null}
        {advice === undefined ? null : <span>{` ${advice}`}</span>}
      </p>
      {children}
    </div>
  );
}

/** A link to the documents in a tab of its own: in this one the pictures would be gone. */
export function Docs({ to, children }: { to: string; children: ReactNode }) {
  return (
    <a href={to} target="_blank" rel="noopener">
      {children}
    </a>
  );
}

/** Seconds until a refused request may be sent again, counted down; 0 if it may now. */
export function useWait(seconds: number | undefined): number {
  const [until] = useState(() => Date.now() + (seconds ?? 0) * 1000);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (now >= until) return;
    const timer = setTimeout(() => setNow(Date.now()), Math.min(1000, until - now));
    return () => clearTimeout(timer);
  }, [now, until]);
  return Math.max(0, Math.ceil((until - now) / 1000));
}

/** A button that asks again, not before the server permits it. */
export function TryAgain({
  after,
  onClick,
  children,
}: {
  after?: number | undefined;
  onClick: () => void;
  children: ReactNode;
}) {
  const wait = useWait(after);
  return (
    <button type="button" className="quiet" disabled={wait > 0} onClick={onClick}>
      {wait > 0 ? `Try again in ${wait} s` : children}
    </button>
  );
}
