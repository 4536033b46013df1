/** What a product states: any of the twelve dimensions, a price band, styles and features. The rest stays unstated. */
import { useId } from "react";
import type { Vocabulary } from "../model/answer";
import { words as inWords } from "../model/format";
import { DIMENSIONS, ENDS, NOTHING_STATED, statesSomething, type DimensionName, type Product } from "../model/product";
import { CodedError, TryAgain } from "../panel/CodedError";
import { useProductWords } from "../state/useProductWords";
import { Words } from "./Words";

interface Props {
  product: Product;
  vocabulary: Vocabulary;
  onChange: (product: Product) => void;
}

/** Styles and features: at most 20 words of each. */
const MOST_STYLES = 20;

export function ProductControls({ product, vocabulary, onChange }: Props) {
  const id = useId();
  const [words, load] = useProductWords();
  const state = (name: DimensionName, value: number | null) => {
    const { [name]: _, ...rest } = product.dimensions;
    onChange({ ...product, dimensions: value === null ? rest : { ...rest, [name]: value } });
  };
  return (
    <div className="product" role="group" aria-label="What the product states">
      <div className="sliders">
        {DIMENSIONS.map((name) => (
          <Slider
            key={name}
            name={name}
            value={product.dimensions[name] ?? null}
            onChange={(value) => state(name, value)}
          />
        ))}
      </div>
      <div className="product-words">
        <label htmlFor={`${id}price`}>Price band</label>
        <select
          id={`${id}price`}
          value={product.price ?? ""}
          onChange={(event) => onChange({ ...product, price: event.target.value === "" ? null : event.target.value })}
        >
          <option value="">not stated</option>
          {vocabulary.priceBands.map(({ band, value }) => (
            <option key={band} value={band}>
              {inWords(band)} ({value})
            </option>
          ))}
        </select>
        <button
          type="button"
          className="quiet"
          disabled={!statesSomething(product)}
          onClick={() => onChange(NOTHING_STATED)}
        >
          State nothing
        </button>
      </div>
      <details onToggle={(event) => event.currentTarget.open && load()}>
        <summary>
          Styles and features
          {product.styles.length + product.features.length > 0
            ? `: ${[...product.styles, ...product.features].map(inWords).join(", ")}`
            : ""}
        </summary>
        {words.state === "told" ? (
          <>
            <Words
              legend="Styles"
              all={words.styles}
              chosen={product.styles}
              most={MOST_STYLES}
              onChange={(styles) => onChange({ ...product, styles })}
            />
            <Words
              legend="Features"
              all={words.features}
              chosen={product.features}
              most={MOST_STYLES}
              onChange={(features) => onChange({ ...product, features })}
            />
          </>
        ) : null}
        {words.state === "asking" ? <p className="hint">Asking for the words.</p> : null}
        {words.state === "failed" ? (
          <CodedError error={words.error}>
            <TryAgain after={words.error.extensions?.retryAfterSeconds} onClick={load}>
              Try again
            </TryAgain>
          </CodedError>
        ) : null}
      </details>
      <p className="hint">A number goes before the price band, that before features, those before styles.</p>
    </div>
  );
}

/** Moving it states the dimension; the check box takes the statement back. */
function Slider({
  name,
  value,
  onChange,
}: {
  name: DimensionName;
  value: number | null;
  onChange: (value: number | null) => void;
}) {
  const id = useId();
  const [little, much] = ENDS[name];
  return (
    <div className={`slider ${value === null ? "unstated" : ""}`}>
      <label className="slider-name">
        <input
          type="checkbox"
          checked={value !== null}
          onChange={(event) => onChange(event.target.checked ? 0.5 : null)}
        />
        <span>
          <span className="sr-only">State </span>
          {inWords(name)}
        </span>
      </label>
      <label className="sr-only" htmlFor={id}>
        {`${inWords(name)}, ${little} to ${much}`}
      </label>
      <input
        id={id}
        type="range"
        min="0"
        max="1"
        step="0.05"
        value={value ?? 0.5}
        aria-valuetext={value === null ? "not stated" : value.toFixed(2)}
        title={`0 ${little}, 1 ${much}`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <output htmlFor={id}>{value === null ? "\u2013" : value.toFixed(2)}</output>
    </div>
  );
}
