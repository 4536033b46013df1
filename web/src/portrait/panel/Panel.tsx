/** A picture with its price, its provenance, its errors and its document. */
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import type { ApiError } from "../../shared/api";
import type { Series } from "../charts/series";
import { Tag } from "../charts/Figure";
import { answerKey, request, type Settings } from "../documents/document";
import type { Description } from "../model/answer";
import { causeOf, fieldError, isPermanent, omittedErrorCount, partErrors } from "../model/errors";
import type { Subject } from "../model/subject";
import type { Entry, QueryState } from "../state/queryState";
import { useNarrow } from "../state/useNarrow";
import type { KeyedRequest, QueryActions } from "../state/useQueries";
import { CodedError, Docs } from "./CodedError";
import { CopyButton } from "./CopyButton";
import { NumbersTable } from "./NumbersTable";
import { Cost, ExpectedRelease, Provenance } from "./Provenance";
import { ShowButton } from "./ShowButton";
import { lacksScope, type Spec } from "./specs";

/** A segment of the view whose description is loaded. */
export interface SelectedSegment {
  tag: "A" | "B";
  subject: Subject;
  name: string;
  description: Description;
}

interface Props {
  spec: Spec;
  segments: SelectedSegment[];
  settings: Settings;
  scopes: readonly string[];
  queries: QueryState;
  actions: QueryActions;
  /** Sends requests and announces the result to screen readers. */
  show: (requests: readonly KeyedRequest[], what: string) => Promise<void>;
  /** The cause that all pictures of a segment share, by its tag; it is shown once, above the pictures. */
  causes: Record<string, string>;
  /** Controls next to the picture, such as the sliders of a product. */
  controls?: ReactNode;
  /** The reason why the picture cannot be requested at present. */
  blocked?: string | undefined;
  /** Settings whose answers are shown until the answers for `settings` arrive. */
  previousSettings?: Settings | null;
  /** Whether the controls have changed since the settings were applied, so the picture is out of date. */
  outdated?: boolean;
}

/** The pictures that are open on a phone at first; the others are one line each. */
const OPEN_ON_PHONES = ["size", "habits", "archetypes", "comparison"];

type LoadedEntry = Extract<Entry, { state: "loaded" }>;

export function Panel({
  spec,
  segments,
  settings,
  scopes,
  queries,
  actions,
  show,
  causes,
  controls,
  blocked,
  previousSettings,
  outdated = false,
}: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const narrow = useNarrow();
  const [open, setOpen] = useState<boolean | null>(null);
  const pressed = useRef(false);
  const id = useId();
  const each = segments.map((segment) => {
    const key = answerKey(spec.id, segment.subject, settings);
    const previous = previousSettings
      ? queries.answers[answerKey(spec.id, segment.subject, previousSettings)]
      : undefined;
    return {
      segment,
      key,
      entry: queries.answers[key],
      previous,
      request: request([spec.id], segment.subject, settings),
    };
  });
  const loading = each.some(({ entry }) => entry?.state === "loading");
  const pending = each.filter(({ entry, previous }) => entry?.state !== "loaded" && previous?.state !== "loaded");
  const notRequested = pending.filter(({ entry }) => entry === undefined);
  const shown = each.flatMap(({ segment, entry, previous }) => {
    const loaded = entry?.state === "loaded" ? entry : previous;
    return loaded?.state === "loaded" ? [{ segment, loaded, ...read(spec, segment, loaded) }] : [];
  });
  const drawn = shown.flatMap(({ series, loaded }) => (series === null ? [] : [{ series, loaded }]));
  const failed = shown.flatMap(({ error, ...one }) => (error === null ? [] : [{ ...one, error }]));
  const stale =
    outdated || each.some(({ entry, previous }) => entry?.state !== "loaded" && previous?.state === "loaded");
  const tagged = segments.length > 1;

  // The focused button is removed when the picture is loaded: the focus moves to the heading.
  useEffect(() => {
    if (!pressed.current || pending.length > 0) return;
    pressed.current = false;
    heading.current?.focus({ preventScroll: true });
  }, [pending.length]);

  const load = (parts: readonly (typeof each)[number][]) => {
    pressed.current = true;
    void show(
      parts.map(({ request, key }) => ({ request, keys: [key] })),
      spec.title,
    );
  };
  const missingScopes = spec.scopes.filter((scope) => !scopes.includes(scope));
  const suffix = pending.length < each.length ? ` ${pending.map(({ segment }) => segment.tag).join(" and ")} too` : "";
  const body = (
    <>
      {missingScopes.length > 0 && notRequested.length > 0 ? (
        <p className="note">
          This key lacks the scope {missingScopes.join(" and ").toLowerCase()}:{" "}
          {lacksScope(spec, scopes) ? "the request will be rejected" : "part of the request will be rejected"} (
          <Docs to="/docs/errors.md#forbidden">FORBIDDEN</Docs>){lacksScope(spec, scopes) ? " and costs no units" : ""}.
        </p>
      ) : null}
      {failed.map(({ segment, error, loaded }) => (
        <div key={segment.tag} className="failed">
          {tagged ? <Tag tag={segment.tag} /> : null}
          {causes[segment.tag] === causeOf(error) && isPermanent(error) ? (
            <p className="hint" data-code={error.extensions?.code}>
              Not available: {error.extensions?.code} {String(error.extensions?.reason ?? "")}, see above.
            </p>
          ) : (
            <CodedError error={error}>
              {isPermanent(error) ? null : (
                <ShowButton
                  key={loaded.answer.elapsedMs}
                  name="Retry"
                  what={spec.title}
                  prices={each
                    .filter((one) => one.segment === segment)
                    .map(({ request }) => queries.prices[request.priceKey])}
                  remaining={queries.remaining}
                  loading={false}
                  after={loaded.answer.retryAfterSeconds ?? error.extensions?.retryAfterSeconds}
                  onShow={() => load(each.filter((one) => one.segment === segment))}
                  onRetryPrices={() => actions.retryPrices(each.map(({ request }) => request))}
                />
              )}
              <ul className="provenance">
                <Cost entry={loaded} />
              </ul>
            </CodedError>
          )}
        </div>
      ))}
      {drawn.length > 0 ? (
        <div className={`picture ${stale ? "stale" : ""}`} aria-busy={stale}>
          <spec.Picture series={drawn.map(({ series }) => series)} />
          {drawn.flatMap(({ series }) =>
            partErrors(series.errors, spec.root, spec.id.endsWith("Rules")).map((error) => (
              <div key={series.tag + causeOf(error)} className="cell-error">
                {tagged ? <Tag tag={series.tag} /> : null}
                <CodedError error={error} size="small" />
              </div>
            )),
          )}
        </div>
      ) : null}
      {pending.length > 0 ? (
        <div className="before">
          {blocked === undefined ? (
            <ShowButton
              name={`Show${suffix}`}
              what={spec.title}
              prices={pending.map(({ request }) => queries.prices[request.priceKey])}
              remaining={queries.remaining}
              loading={loading}
              onShow={() => load(notRequested)}
              onRetryPrices={() => actions.retryPrices(pending.map(({ request }) => request))}
            />
          ) : (
            <p className="note">{blocked}</p>
          )}
          {narrow ? null : (
            <ExpectedRelease
              description={pending[0]!.segment.description}
              window={spec.windowed ? settings.window : "DAYS_28"}
            />
          )}
        </div>
      ) : null}
    </>
  );
  const foldable = narrow && (drawn.length > 0 || controls !== undefined || failed.length > 0);
  const isOpen = !foldable || (open ?? OPEN_ON_PHONES.includes(spec.id));
  return (
    <section className="panel" aria-labelledby={id} data-picture={spec.id}>
      <header>
        <h3 id={id} ref={heading} tabIndex={-1}>
          {foldable ? (
            <button type="button" className="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              <span aria-hidden="true">{isOpen ? "\u25be" : "\u25b8"}</span> {spec.title}
            </button>
          ) : (
            spec.title
          )}
        </h3>
        {isOpen ? <p className="about">{spec.about}</p> : null}
      </header>
      {!isOpen ? null : controls === undefined ? (
        body
      ) : (
        <div className="with-controls">
          {controls}
          <div className="controlled">{body}</div>
        </div>
      )}
      {!isOpen || (narrow && drawn.length === 0) ? null : (
        <footer>
          {drawn.length === 0 ? null : (
            <details className="method">
              <summary>Method and cost</summary>
              {drawn.map(({ series, loaded }) => (
                <Provenance key={series.tag} spec={spec} series={series} entry={loaded} tagged={tagged} />
              ))}
            </details>
          )}
          <div className="tools">
            {drawn.length > 0 ? (
              <NumbersTable series={drawn.map(({ series }) => series)} part={spec.part} title={spec.title} />
            ) : null}
            {blocked === undefined
              ? each.map(({ segment, request }) => (
                  <CopyButton key={segment.tag} request={request} tag={tagged ? segment.tag : null} />
                ))
              : null}
          </div>
        </footer>
      )}
    </section>
  );
}

/** The data of an answer for a picture, or the error for which the data is missing. */
function read(
  spec: Spec,
  { tag, name }: SelectedSegment,
  { answer }: LoadedEntry,
): { series: Series | null; error: ApiError | null } {
  const error = fieldError(answer, spec.root);
  const segment = answer.data?.segment;
  if (error !== null || segment == null) return { series: null, error };
  const errors = answer.errors ?? [];
  return { series: { tag, name, answer: segment, errors, errorsOmitted: omittedErrorCount(answer) }, error: null };
}
