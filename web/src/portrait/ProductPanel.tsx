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

/**
 * The last settings whose answers about a product were there: drawn until those of the new ones are. Null if there are
 * none of all people; then nothing follows the sliders.
 */
export function useFollowed(people: readonly Person[], settings: Settings, desk: Desk): Settings | null {
  const answered = (at: Settings) =>
    people.every((person) => {
      const entry = desk.answers[answerKey(FIT.id, person.subject, at)];
      return entry?.state === "told" && entry.answer.data?.segment?.compatibility != null;
    });
  const before = useRef<Settings | null>(null);
  if (answered(settings)) before.current = settings;
  return before.current !== null && answered(before.current) ? before.current : null;
}

interface Props {
  people: Person[];
  /** With the product as it was when the sliders last rested. */
  settings: Settings;
  /** By `useFollowed`. */
  followed: Settings | null;
  scopes: readonly string[];
  desk: Desk;
  actions: DeskActions;
  show: (orders: readonly Order[], what: string) => Promise<void>;
  vocabulary: Vocabulary;
  /** The product as the sliders stand now. */
  product: Product;
  onChange: (product: Product) => void;
}

export function ProductPanel({
  people,
  settings,
  followed,
  desk,
  actions,
  product,
  vocabulary,
  onChange,
  ...others
}: Props) {
  const key = (person: Person) => answerKey(FIT.id, person.subject, settings);
  const stated = statesSomething(settings.product);
  const missing = followed !== null && stated ? people.filter((person) => desk.answers[key(person)] === undefined) : [];
  const missingKeys = missing.map((person) => key(person)).join("\n");
  useEffect(() => {
    if (missingKeys === "") return;
    void actions.showAgain(
      missing.map((person) => ({
        request: request(["product"], person.subject, settings),
        keys: [key(person)],
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
      settingsBefore={followed}
      moved={product !== settings.product}
      blocked={
        stated
          ? undefined
          : "State at least one dimension, price band, style or feature to see its price and its picture."
      }
      controls={<ProductControls product={product} vocabulary={vocabulary} onChange={onChange} />}
    />
  );
}
