/** All pictures of one or two segments: prices beforehand, one button for all, and each in its panel. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { ApiError } from "../shared/api";
import { answerKey, request, type Settings } from "./documents/document";
import type { View } from "./model/address";
import { isCoded, isFinal, refusal } from "./model/errors";
import { amount } from "./model/format";
import { statesSomething } from "./model/product";
import { fromCanonical } from "./model/subject";
import { Panel, type Person } from "./panel/Panel";
import { ShowButton } from "./panel/ShowButton";
import { COMPARISON, FIT, lacks, SECTIONS, type Root, type Spec } from "./panel/specs";
import { ProductPanel, useFollowed } from "./ProductPanel";
import type { Start } from "./state/api";
import type { Desk, Told } from "./state/desk";
import type { DeskActions, Order } from "./state/useDesk";
import { useLater } from "./state/useLater";

/** Sliders must rest for so long before the score is asked anew. */
const PAUSE_MS = 400;

interface Props {
  start: Start;
  view: View;
  people: Person[];
  desk: Desk;
  actions: DeskActions;
  update: (change: Partial<View>) => void;
}

export function Pictures({ start, view, people, desk, actions, update }: Props) {
  const [said, say] = useState("");
  const rested = useLater(view.product, PAUSE_MS);

  const first = people[0]!;
  const second = people.find(({ tag }) => tag === "B");
  const { scopes } = start.viewer;
  const settings = useMemo<Settings>(
    () => ({
      window: view.window,
      product: rested,
      with: second === undefined ? null : fromCanonical(second.description.definition, start.vocabulary.ageBands),
    }),
    [view.window, rested, second?.description, start.vocabulary],
  );

  // What is not told yet, or did not come, as one document for each segment.
  const all = [...SECTIONS.flatMap(({ specs }) => specs), ...(second === undefined ? [] : [COMPARISON])];
  const askable = all.filter((spec) => spec !== FIT || statesSomething(rested));
  const allowed = askable.filter((spec) => !lacks(spec, scopes));
  const peopleOf = (spec: Spec) => (spec === COMPARISON ? [first] : people);
  const followed = useFollowed(people, settings, desk);
  const entryOf = (spec: Spec, person: Person) => desk.answers[answerKey(spec.id, person.subject, settings)];
  const rest = people.flatMap((person): Order[] => {
    const specs = allowed.filter((spec) => {
      if (!peopleOf(spec).includes(person)) return false;
      const entry = entryOf(spec, person);
      if (entry?.state === "told") return comesAgain(entry.answer, spec.root);
      // A product that is slid together is asked for without a button.
      return spec !== FIT || followed === null;
    });
    if (specs.length === 0) return [];
    const ids = specs.map(({ id }) => id);
    return [
      {
        request: request(ids, person.subject, settings),
        keys: ids.map((id) => answerKey(id, person.subject, settings)),
      },
    ];
  });
  const left = rest.flatMap(({ keys }) => keys.map((key) => desk.answers[key]));
  const asking = left.some((entry) => entry?.state === "asking");
  const failed = left.flatMap((entry) => (entry?.state === "told" ? [entry.answer] : []));
  const again = left.length > 0 && failed.length === left.length;
  const outcome = outcomeOf(
    askable.map((spec) =>
      peopleOf(spec).flatMap((person) => {
        const entry = entryOf(spec, person);
        const error = entry?.state === "told" ? refusal(entry.answer, spec.root) : null;
        return error === null ? [] : [error];
      }),
    ),
  );
  const forbidden = askable.filter(
    (spec) => lacks(spec, scopes) && peopleOf(spec).some((person) => entryOf(spec, person) === undefined),
  ).length;

  // Prices of all that can be asked now; and after each button what is left.
  const priced = [
    ...rest.map(({ request }) => request),
    ...askable.flatMap((spec) => peopleOf(spec).map((person) => request([spec.id], person.subject, settings))),
  ];
  const pricedKeys = priced.map(({ priceKey }) => priceKey).join("\n");
  useEffect(() => {
    // Each price comes with what is left.
    if (actions.price(priced) === 0 && desk.shown > 0) actions.lookAtPurse();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [desk.shown]);
  useEffect(() => {
    actions.price(priced);
    // The keys say all that the prices depend on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pricedKeys]);

  // The button that had the focus is gone, or another one, when the answers are there.
  const pressed = useRef(false);
  const standing = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (asking || !pressed.current) return;
    pressed.current = false;
    standing.current?.focus();
  }, [asking]);

  const show = async (orders: readonly Order[], what: string) => {
    say(`Asking for ${what}.`);
    const replies = await actions.show(orders);
    const errors = replies.flatMap(({ answer }) => answer.errors ?? []);
    const codes = [...new Set(errors.map(({ extensions }) => extensions?.code ?? "error"))].join(", ");
    const came = replies.some(({ answer }) => answer.data != null);
    const why = errors.length === 0 ? "" : ` ${errors.length} ${errors.length === 1 ? "error" : "errors"}: ${codes}.`;
    say(`${came ? "Here" : "Did not come"}: ${what}.${why}`);
  };
  const common = { settings, scopes, desk, actions, show };
  const panel = (spec: Spec) =>
    spec === FIT ? (
      <ProductPanel
        key={spec.id}
        {...common}
        people={people}
        followed={followed}
        vocabulary={start.vocabulary}
        product={view.product}
        onChange={(product) => update({ product })}
      />
    ) : (
      <Panel key={spec.id} {...common} spec={spec} people={people} />
    );

  return (
    <>
      <p className="sr-only" role="status">
        {said}
      </p>
      <section className="purse" aria-label="Price of all">
        {rest.length > 0 ? (
          <ShowButton
            // Another failure begins another wait.
            key={failed.map(({ elapsedMs }) => elapsedMs).join(" ")}
            name={again ? "Ask again for all" : outcome !== "" || desk.shown > 0 ? "Show all that is left" : "Show all"}
            what="pictures"
            strong
            prices={rest.map(({ request }) => desk.prices[request.priceKey])}
            left={desk.left}
            asking={asking}
            after={longestWait(failed)}
            onShow={() => {
              pressed.current = true;
              void show(rest, "all pictures");
            }}
            onPriceAgain={() =>
              actions.priceAgain(priced.filter(({ priceKey }) => desk.prices[priceKey]?.state === "failed"))
            }
          />
        ) : null}
        {rest.length === 0 || outcome !== "" ? (
          <p className={rest.length === 0 ? "all-here" : "not-here"} ref={standing} tabIndex={-1}>
            {rest.length > 0 ? "" : outcome === "" && forbidden === 0 ? "All is here." : "All was asked."} {outcome}{" "}
            {forbidden === 0 ? "" : `${pictures(forbidden)} not asked for: this key lacks the scope.`}
          </p>
        ) : null}
        <p>
          {desk.shown === 0 ? (
            <>
              {Object.keys(desk.answers).length === 0 ? "Nothing was asked on this page yet. " : ""}Prices are{" "}
              <em>at most</em>: what this key has seen before costs no units.{" "}
            </>
          ) : (
            <>What this key has seen costs no units again. </>
          )}
          {desk.left === null ? null : (
            <span className="left">
              The key has <data value={desk.left.units}>{amount(desk.left.units)}</data> units left of its 30 days;{" "}
              {amount(desk.left.points)} points and {amount(desk.left.requests)} requests in this minute.
            </span>
          )}
        </p>
      </section>
      {second === undefined ? null : (
        <section aria-labelledby="beside">
          <h2 id="beside" className="section-title">
            Side by side
          </h2>
          <div className="panels">
            <Panel {...common} spec={COMPARISON} people={[first]} />
          </div>
        </section>
      )}
      {SECTIONS.map(({ title, specs }) => (
        <section key={title} aria-label={title}>
          <h2 className="section-title">{title}</h2>
          <div className="panels">{columns(specs, panel)}</div>
        </section>
      ))}
    </>
  );
}

/** Whether asking again for a picture that is not there may bring it. */
function comesAgain(answer: Told, root: Root): boolean {
  const error = refusal(answer, root);
  if (error === null || isFinal(error)) return false;
  // A null that no error explains stays one; a whole answer that is missing does not.
  return answer.data == null || error.extensions?.code !== undefined;
}

function longestWait(answers: readonly Told[]): number | undefined {
  const waits = answers.map(({ retryAfterSeconds, errors }) => {
    return retryAfterSeconds ?? errors?.[0]?.extensions?.retryAfterSeconds ?? 0;
  });
  return waits.length === 0 ? undefined : Math.max(...waits);
}

/** What became of pictures that are not there, by the errors of each: refused by a code, or did not come at all. */
function outcomeOf(errors: readonly (readonly ApiError[])[]): string {
  const refused = errors.filter((list) => list.some(isCoded)).length;
  const lost = errors.filter((list) => list.length > 0 && !list.some(isCoded)).length;
  return [
    ...(refused === 0 ? [] : [`${pictures(refused)} refused.`]),
    ...(lost === 0 ? [] : [`${lost} ${lost === 1 ? "picture" : "pictures"} did not come.`]),
  ].join(" ");
}

function pictures(count: number): string {
  return count === 1 ? "1 picture was" : `${count} pictures were`;
}

/** Pictures as wide as the page one by one, those between them in two columns. */
function columns(specs: readonly Spec[], panel: (spec: Spec) => ReactNode): ReactNode[] {
  const drawn: ReactNode[] = [];
  for (let n = 0; n < specs.length; n++) {
    const spec = specs[n]!;
    if (spec.column === undefined) {
      drawn.push(panel(spec));
      continue;
    }
    const end = specs.findIndex((other, at) => at > n && other.column === undefined);
    const run = specs.slice(n, end === -1 ? undefined : end);
    for (const column of [1, 2]) {
      drawn.push(
        <div key={`${spec.id} ${column}`} className="stack">
          {run.filter((other) => other.column === column).map(panel)}
        </div>,
      );
    }
    n += run.length - 1;
  }
  return drawn;
}
