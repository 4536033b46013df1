/** An API error with its code, shown in place of the missing data. */
import { useEffect, useState, type ReactNode } from "react";
import type { ApiError } from "../../shared/api";
import { docsLink } from "../../shared/docs";
import { moment } from "../model/format";

/** Remedies by code, or by code and reason, for messages that contain none; see `docs/errors.md`. */
const ADVICE: Record<string, string> = {
  AUTHENTICATION_FAILED:
    "Check the key in the header of the page. If it is correct, ask the operator whether it was revoked.",
  API_KEY_EXPIRED: "Enter the new key in the header of the page, or ask the operator for one.",
  FORBIDDEN: "Ask the operator for a key with that scope.",
  INSUFFICIENT_DATA: "This does not change before the next epoch.",
  "INSUFFICIENT_DATA PRECISION": "The precision is chosen above the pictures.",
  NETWORK: "Check that the server is running, then try again.",
};

export function CodedError({ error, size, children }: { error: ApiError; size?: "small"; children?: ReactNode }) {
  const { code, reason, docs, returnsAt, needs, suggestions } = error.extensions ?? {};
  const link = docsLink(docs);
  const needed = (Array.isArray(needs) ? needs : []).map((scope) => String(scope).toLowerCase());
  // The message of `FORBIDDEN` may already contain the scope.
  const addScope = needed.some((scope) => !error.message.toLowerCase().includes(scope));
  const advice =
    code === undefined || size === "small" ? undefined : (ADVICE[`${code} ${String(reason)}`] ?? ADVICE[code]);
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
        {addScope ? <span>{` Needs the scope ${needed.join(" or ")}.`}</span> : null}
        {typeof returnsAt === "string" && !error.message.includes(returnsAt) ? (
          <span>{` Enough units are available again on ${moment(returnsAt)}.`}</span>
        ) : null}
        {Array.isArray(suggestions) && suggestions.length > 0 ? (
          <span>{` Did you mean ${suggestions.join(", ")}?`}</span>
        ) : null}
        {advice === undefined ? null : <span>{` ${advice}`}</span>}
      </p>
      {children}
    </div>
  );
}

/** A link to the documentation. It opens a new tab, because navigation would discard the loaded pictures. */
export function Docs({ to, children }: { to: string; children: ReactNode }) {
  return (
    <a href={to} target="_blank" rel="noopener">
      {children}
    </a>
  );
}

/** Counts down the seconds until a rejected request may be repeated; 0 if it may be repeated now. */
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

/** A retry button, disabled until the server accepts the request again. */
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
