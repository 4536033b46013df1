/** The picture of a product. Once shown, it follows the sliders: the release stays the same, so it costs no units. */
import { useEffect, useRef } from "react";
import { ProductControls } from "./choose/ProductControls";
import { answerKey, request, type Settings } from "./documents/document";
import type { Vocabulary } from "./model/answer";
import { statesSomething, type Product } from "./model/product";
import { Panel, type SelectedSegment } from "./panel/Panel";
import { FIT } from "./panel/specs";
import type { QueryState } from "./state/queryState";
import type { QueryActions, KeyedRequest } from "./state/useQueries";

/**
 * The last settings with product answers for all segments. Their picture is shown until the answers for new settings
 * arrive. Null if there are no such settings; then the picture does not follow the sliders.
 */
export function useAnsweredSettings(
  segments: readonly SelectedSegment[],
  settings: Settings,
  queries: QueryState,
): Settings | null {
  const answered = (at: Settings) =>
    segments.every((segment) => {
      const entry = queries.answers[answerKey(FIT.id, segment.subject, at)];
      return entry?.state === "loaded" && entry.answer.data?.segment?.compatibility != null;
    });
  const before = useRef<Settings | null>(null);
  if (answered(settings)) before.current = settings;
  return before.current !== null && answered(before.current) ? before.current : null;
}

interface Props {
  segments: SelectedSegment[];
  /** The settings with the debounced product. */
  settings: Settings;
  /** The result of `useAnsweredSettings`. */
  answeredSettings: Settings | null;
  scopes: readonly string[];
  queries: QueryState;
  actions: QueryActions;
  show: (requests: readonly KeyedRequest[], what: string) => Promise<void>;
  /** See `Panel`. */
  causes: Record<string, string>;
  vocabulary: Vocabulary;
  /** The current product of the sliders. */
  product: Product;
  onChange: (product: Product) => void;
}

export function ProductPanel({
  segments,
  settings,
  answeredSettings,
  queries,
  actions,
  product,
  vocabulary,
  onChange,
  ...others
}: Props) {
  const key = (segment: SelectedSegment) => answerKey(FIT.id, segment.subject, settings);
  const stated = statesSomething(settings.product);
  const missing =
    answeredSettings !== null && stated
      ? segments.filter((segment) => queries.answers[key(segment)] === undefined)
      : [];
  const missingKeys = missing.map((segment) => key(segment)).join("\n");
  useEffect(() => {
    if (missingKeys === "") return;
    void actions.refetch(
      missing.map((segment) => ({
        request: request(["product"], segment.subject, settings),
        keys: [key(segment)],
      })),
    );
    // The requests depend on the keys only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [missingKeys]);

  return (
    <Panel
      {...others}
      spec={FIT}
      segments={segments}
      settings={settings}
      queries={queries}
      actions={actions}
      previousSettings={answeredSettings}
      outdated={product !== settings.product}
      blocked={
        stated
          ? undefined
          : "State at least one dimension, price band, style or feature to see the price and the picture."
      }
      controls={<ProductControls product={product} vocabulary={vocabulary} onChange={onChange} />}
    />
  );
}
