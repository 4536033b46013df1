/** All pictures of one or two segments: prices beforehand, one button for all, and each in its panel. */
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { answerKey, request, type Settings } from "./documents/document";
import type { View } from "./model/address";
import { amount } from "./model/format";
import { statesSomething } from "./model/product";
import { fromCanonical } from "./model/subject";
import { Panel, type Person } from "./panel/Panel";
import { ShowButton } from "./panel/ShowButton";
import { COMPARISON, FIT, SECTIONS, type Spec } from "./panel/specs";
import { ProductPanel } from "./ProductPanel";
import type { Start } from "./state/api";
import type { Desk } from "./state/desk";
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

  // What is not told yet, as one document for each segment.
  const all = [...SECTIONS.flatMap(({ specs }) => specs), ...(second === undefined ? [] : [COMPARISON])];
  const askable = all.filter((spec) => spec !== FIT || statesSomething(rested));
  const peopleOf = (spec: Spec) => (spec === COMPARISON ? [first] : people);
  const rest = people.flatMap((person): Order[] => {
    const specs = askable.filter(
      (spec) =>
        peopleOf(spec).includes(person) && desk.answers[answerKey(spec.id, person.subject, settings)]?.state !== "told",
    );
    if (specs.length === 0) return [];
    const ids = specs.map(({ id }) => id);
    return [
      {
        request: request(ids, person.subject, settings),
        keys: ids.map((id) => answerKey(id, person.subject, settings)),
      },
    ];
  });
  const refused = askable.filter((spec) =>
    peopleOf(spec).some((person) => {
      const entry = desk.answers[answerKey(spec.id, person.subject, settings)];
      return entry?.state === "told" && entry.answer.data?.segment?.[spec.root] == null;
    }),
  ).length;
  const asking = rest.some(({ keys }) => keys.some((key) => desk.answers[key]?.state === "asking"));

  // Prices of all that can be asked now; and after each button what is left.
  const priced = [
    ...rest.map(({ request }) => request),
    ...askable.flatMap((spec) => peopleOf(spec).map((person) => request([spec.id], person.subject, settings))),
  ];
  const pricedKeys = priced.map(({ priceKey }) => priceKey).join("\n");
  useEffect(() => {
    if (actions.price(priced) === 0 && desk.shown > 0) actions.lookAtPurse();
    // The keys say all that the prices depend on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [pricedKeys, desk.shown]);

  // The button that had the focus is gone when all is there.
  const pressed = useRef(false);
  const allHere = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (rest.length > 0 || !pressed.current) return;
    pressed.current = false;
    allHere.current?.focus();
  }, [rest.length]);

  const show = async (orders: readonly Order[], what: string) => {
    say(`Asking for ${what}.`);
    const replies = await actions.show(orders);
    const errors = replies.flatMap(({ answer }) => answer.errors ?? []);
    const codes = [...new Set(errors.map(({ extensions }) => extensions?.code ?? "error"))].join(", ");
    say(errors.length === 0 ? `Here: ${what}.` : `Here: ${what}. ${errors.length} refused: ${codes}.`);
  };
  const common = { settings, scopes, desk, actions, show };
  const panel = (spec: Spec) =>
    spec === FIT ? (
      <ProductPanel
        key={spec.id}
        {...common}
        people={people}
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
            name={desk.shown === 0 ? "Show all" : "Show all that is left"}
            what="pictures"
            strong
            prices={rest.map(({ request }) => desk.prices[request.priceKey])}
            left={desk.left}
            asking={asking}
            onShow={() => {
              pressed.current = true;
              void show(rest, "all pictures");
            }}
            onPriceAgain={() => actions.priceAgain(rest.map(({ request }) => request))}
          />
        ) : (
          <p className="all-here" ref={allHere} tabIndex={-1}>
            {refused === 0
              ? "All is here."
              : `All was asked. ${refused} ${refused === 1 ? "picture was" : "pictures were"} refused.`}
          </p>
        )}
        <p>
          {desk.shown === 0 ? (
            <>
              Nothing about these people has been asked yet. Prices are <em>at most</em>: what this key has seen before
              costs no units.{" "}
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
