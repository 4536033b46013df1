/** The picture of a product. Once it is shown, it follows the sliders: the same release, so no more units. */
import { useEffect, useRef } from "react";
import { ProductControls } from "./choose/ProductControls";
import { answerKey, request, type Settings } from "./documents/document";
import type { Vocabulary } from "./model/answer";
import { statesSomething, type Product } from "./model/product";
import { Panel, type Person } from "./panel/Panel";
import { FIT } from "./panel/specs";
import type { Desk } from "./state/desk";
import type { DeskActions, Order } from "./state/useDesk";

interface Props {
  people: Person[];
  /** With the product as it was when the sliders last rested. */
  settings: Settings;
  scopes: readonly string[];
  desk: Desk;
  actions: DeskActions;
  show: (orders: readonly Order[], what: string) => Promise<void>;
  vocabulary: Vocabulary;
  /** The product as the sliders stand now. */
  product: Product;
  onChange: (product: Product) => void;
}

export function ProductPanel({ people, settings, desk, actions, product, vocabulary, onChange, ...others }: Props) {
  const key = (person: Person, at: Settings) => answerKey("product", person.subject, at);
  const answered = (person: Person, at: Settings) => {
    const entry = desk.answers[key(person, at)];
    return entry?.state === "told" && entry.answer.data?.segment?.compatibility != null;
  };
  // The last settings whose answers were there: drawn until those of the new ones are.
  const before = useRef<Settings | null>(null);
  if (people.every((person) => answered(person, settings))) before.current = settings;
  const last = before.current;
  const follows = last !== null && people.every((person) => answered(person, last));

  const stated = statesSomething(settings.product);
  const missing = follows && stated ? people.filter((person) => desk.answers[key(person, settings)] === undefined) : [];
  const missingKeys = missing.map((person) => key(person, settings)).join("\n");
  useEffect(() => {
    if (missingKeys === "") return;
    void actions.showAgain(
      missing.map((person) => ({
        request: request(["product"], person.subject, settings),
        keys: [key(person, settings)],
      })),
    );
    // The keys say all that the question depends on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [missingKeys]);

  return (
    <Panel
      {...others}
      spec={FIT}
      people={people}
      settings={settings}
      desk={desk}
      actions={actions}
      settingsBefore={follows ? last : null}
      blocked={
        stated
          ? undefined
          : "State at least one dimension, price band, style or feature to see its price and its picture."
      }
      controls={<ProductControls product={product} vocabulary={vocabulary} onChange={onChange} />}
    />
  );
}
