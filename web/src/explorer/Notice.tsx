/** Explains why the schema is not loaded: the key is missing, or the server rejected the request. */
import { useEffect } from "react";
import type { ApiError } from "../shared/api";
import { Countdown } from "./Countdown";
import { ErrorList } from "./ErrorList";
import { schemaState } from "./requests";
import { useStore } from "./store";

export function Notice({ onRetry }: { onRetry: () => void }) {
  const state = useStore(schemaState);
  if (state.kind === "no-key") return <NoKey />;
  if (state.kind === "failed") {
    return (
      <section className="notice bad" role="alert">
        <h2>{state.errors.some(isKeyError) ? "The key was not accepted" : "The schema could not be loaded"}</h2>
        <ErrorList errors={state.errors} label="Errors of the schema" />
        {state.retryAfterSeconds === undefined ? (
          <p>
            Correct the key above, or <Retry onRetry={onRetry} />
          </p>
        ) : (
          <RetryLater seconds={state.retryAfterSeconds} onRetry={onRetry} />
        )}
      </section>
    );
  }
  return null;
}

function isKeyError({ extensions }: ApiError): boolean {
  return extensions?.code === "AUTHENTICATION_FAILED" || extensions?.code === "API_KEY_EXPIRED";
}

function NoKey() {
  return (
    <section className="notice">
      <h2>Enter your API key to begin</h2>
      <p>
        The operator of this server provides the key; <code>spots-enrichment demo</code> prints one. The key is stored
        in this tab only, sent only in a header, and deleted when the tab is closed. A link can also contain a key, as
        the link printed by the demo does, but the browser history may store the link: do not put a key for real data
        into a link.{" "}
        <button type="button" className="small" onClick={focusKey}>
          Enter the key
        </button>{" "}
        <a href="/docs/quickstart.md">Read the quick start</a>
      </p>
    </section>
  );
}

function focusKey(): void {
  document.querySelector<HTMLInputElement>(".site-key input")?.focus();
}

function Retry({ onRetry }: { onRetry: () => void }) {
  return (
    <button type="button" className="small" onClick={onRetry}>
      Try again
    </button>
  );
}

/** Retries automatically, once, after the time that the server requested. */
function RetryLater({ seconds, onRetry }: { seconds: number; onRetry: () => void }) {
  const until = Date.now() + seconds * 1000;
  useEffect(() => {
    const timer = setTimeout(onRetry, seconds * 1000);
    return () => clearTimeout(timer);
  }, [seconds, onRetry]);
  return (
    <p>
      The page tries again in <Countdown until={until} />. <Retry onRetry={onRetry} />
    </p>
  );
}
