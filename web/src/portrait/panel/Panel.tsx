/** One picture with all that belongs to it: its price before, its provenance after, errors in place, its document. */
import { useEffect, useId, useRef, type ReactNode } from "react";
import type { ApiError } from "../../shared/api";
import type { Series } from "../charts/series";
import { Tag } from "../charts/Figure";
import { answerKey, request, type Settings } from "../documents/document";
import type { Description } from "../model/answer";
import { isFinal, leftOut, refusal } from "../model/errors";
import type { Subject } from "../model/subject";
import type { Desk, Entry } from "../state/desk";
import type { DeskActions, Order } from "../state/useDesk";
import { CodedError, Docs } from "./CodedError";
import { CopyButton } from "./CopyButton";
import { NumbersTable } from "./NumbersTable";
import { Cost, Foreseen, Provenance } from "./Provenance";
import { ShowButton } from "./ShowButton";
import { lacks, type Spec } from "./specs";

/** A segment of the view, once it is known what it means. */
export interface Person {
  tag: "A" | "B";
  subject: Subject;
  name: string;
  description: Description;
}

interface Props {
  spec: Spec;
  people: Person[];
  settings: Settings;
  scopes: readonly string[];
  desk: Desk;
  actions: DeskActions;
  /** Sends orders and tells everybody what became of them. */
  show: (orders: readonly Order[], what: string) => Promise<void>;
  /** Stands above the picture, such as the sliders of a product. */
  controls?: ReactNode;
  /** Why it cannot be asked for now. */
  blocked?: string | undefined;
  /** Answers to show while those of a changed product are on their way. */
  settingsBefore?: Settings | null;
  /** Whether the controls were moved since: what is drawn is not what they say. */
  moved?: boolean;
}

type TellEntry = Extract<Entry, { state: "told" }>;

export function Panel({
  spec,
  people,
  settings,
  scopes,
  desk,
  actions,
  show,
  controls,
  blocked,
  settingsBefore,
  moved = false,
}: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const pressed = useRef(false);
  const id = useId();
  const each = people.map((person) => {
    const key = answerKey(spec.id, person.subject, settings);
    const before = settingsBefore ? desk.answers[answerKey(spec.id, person.subject, settingsBefore)] : undefined;
    return { person, key, entry: desk.answers[key], before, request: request([spec.id], person.subject, settings) };
  });
  const asking = each.some(({ entry }) => entry?.state === "asking");
  const pending = each.filter(({ entry, before }) => entry?.state !== "told" && before?.state !== "told");
  const waiting = pending.filter(({ entry }) => entry === undefined);
  const shown = each.flatMap(({ person, entry, before }) => {
    const told = entry?.state === "told" ? entry : before;
    return told?.state === "told" ? [{ person, told, ...read(spec, person, told) }] : [];
  });
  const drawn = shown.flatMap(({ series, told }) => (series === null ? [] : [{ series, told }]));
  const failed = shown.flatMap(({ error, ...one }) => (error === null ? [] : [{ ...one, error }]));
  const late = moved || each.some(({ entry, before }) => entry?.state !== "told" && before?.state === "told");
  const tagged = people.length > 1;

  // The button that had the focus is gone when the picture is there.
  useEffect(() => {
    if (!pressed.current || pending.length > 0) return;
    pressed.current = false;
    heading.current?.focus({ preventScroll: true });
  }, [pending.length]);

  const ask = (parts: readonly (typeof each)[number][]) => {
    pressed.current = true;
    void show(
      parts.map(({ request, key }) => ({ request, keys: [key] })),
      spec.title,
    );
  };
  const missing = spec.scopes.filter((scope) => !scopes.includes(scope));
  const some = pending.length < each.length ? ` ${pending.map(({ person }) => person.tag).join(" and ")} too` : "";
  const body = (
    <>
      {missing.length > 0 && waiting.length > 0 ? (
        <p className="note">
          This key lacks the scope {missing.join(" and ").toLowerCase()}:{" "}
          {lacks(spec, scopes) ? "it will be refused" : "a part of it will be refused"} (
          <Docs to="/docs/errors.md#forbidden">FORBIDDEN</Docs>){lacks(spec, scopes) ? " and costs no units" : ""}.
        </p>
      ) : null}
      {failed.map(({ person, error, told }) => (
        <div key={person.tag} className="failed">
          {tagged ? <Tag tag={person.tag} /> : null}
          <CodedError error={error}>
            {isFinal(error) ? null : (
              <ShowButton
                key={told.answer.elapsedMs}
                name="Ask again"
                what={spec.title}
                prices={each.filter((one) => one.person === person).map(({ request }) => desk.prices[request.priceKey])}
                left={desk.left}
                asking={false}
                after={told.answer.retryAfterSeconds ?? error.extensions?.retryAfterSeconds}
                onShow={() => ask(each.filter((one) => one.person === person))}
                onPriceAgain={() => actions.priceAgain(each.map(({ request }) => request))}
              />
            )}
            <ul className="provenance">
              <Cost entry={told} />
            </ul>
          </CodedError>
        </div>
      ))}
      {drawn.length > 0 ? (
        <div className={`picture ${late ? "late" : ""}`} aria-busy={late}>
          <spec.Picture series={drawn.map(({ series }) => series)} />
        </div>
      ) : null}
      {pending.length > 0 ? (
        <div className="before">
          {blocked === undefined ? (
            <ShowButton
              name={`Show${some}`}
              what={spec.title}
              prices={pending.map(({ request }) => desk.prices[request.priceKey])}
              left={desk.left}
              asking={asking}
              onShow={() => ask(waiting)}
              onPriceAgain={() => actions.priceAgain(pending.map(({ request }) => request))}
            />
          ) : (
            <p className="note">{blocked}</p>
          )}
          <Foreseen description={pending[0]!.person.description} window={spec.windowed ? settings.window : "DAYS_28"} />
        </div>
      ) : null}
    </>
  );
  return (
    <section className="panel" aria-labelledby={id} data-picture={spec.id}>
      <header>
        <h3 id={id} ref={heading} tabIndex={-1}>
          {spec.title}
        </h3>
        <p className="about">{spec.about}</p>
      </header>
      {controls === undefined ? (
        body
      ) : (
        <div className="beside-controls">
          {controls}
          <div className="controlled">{body}</div>
        </div>
      )}
      <footer>
        {drawn.map(({ series, told }) => (
          <Provenance key={series.tag} spec={spec} series={series} entry={told} tagged={tagged} />
        ))}
        <div className="tools">
          {drawn.length > 0 ? (
            <NumbersTable series={drawn.map(({ series }) => series)} part={spec.part} title={spec.title} />
          ) : null}
          {blocked === undefined
            ? each.map(({ person, request }) => (
                <CopyButton key={person.tag} request={request} tag={tagged ? person.tag : null} />
              ))
            : null}
        </div>
      </footer>
    </section>
  );
}

/** What an answer holds for a picture: a series to draw, or the error that took it away. */
function read(spec: Spec, person: Person, { answer }: TellEntry): { series: Series | null; error: ApiError | null } {
  const error = refusal(answer, spec.root);
  const segment = answer.data?.segment;
  if (error !== null || segment == null) return { series: null, error };
  const { tag, name } = person;
  const errors = answer.errors ?? [];
  return { series: { tag, name, answer: segment, errors, errorsLeftOut: leftOut(answer) }, error: null };
}
