/** Controls for the attributes of a product: the twelve dimensions, a price band, styles and features; all optional. */
import { useId } from "react";
import type { Vocabulary } from "../model/answer";
import { humanize } from "../model/format";
import {
  DIMENSIONS,
  DIMENSION_ENDS,
  NOTHING_STATED,
  statesSomething,
  type DimensionName,
  type Product,
} from "../model/product";
import { CodedError, TryAgain } from "../panel/CodedError";
import { useProductVocabulary } from "../state/useProductVocabulary";
import { VocabularySelect } from "./VocabularySelect";

interface Props {
  product: Product;
  vocabulary: Vocabulary;
  onChange: (product: Product) => void;
}

/** Maximum number of styles, and of features. */
const MAX_TERMS = 20;

export function ProductControls({ product, vocabulary, onChange }: Props) {
  const id = useId();
  const [terms, load] = useProductVocabulary();
  const state = (name: DimensionName, value: number | null) => {
    const { [name]: _, ...rest } = product.dimensions;
    onChange({ ...product, dimensions: value === null ? rest : { ...rest, [name]: value } });
  };
  return (
    <div className="product" role="group" aria-label="Product attributes">
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
      <div className="product-terms">
        <label htmlFor={`${id}price`}>Price band</label>
        <select
          id={`${id}price`}
          value={product.price ?? ""}
          onChange={(event) => onChange({ ...product, price: event.target.value === "" ? null : event.target.value })}
        >
          <option value="">not stated</option>
          {vocabulary.priceBands.map(({ band, value }) => (
            <option key={band} value={band}>
              {humanize(band)} ({value})
            </option>
          ))}
        </select>
        <button
          type="button"
          className="quiet"
          disabled={!statesSomething(product)}
          onClick={() => onChange(NOTHING_STATED)}
        >
          Clear all
        </button>
      </div>
      <details onToggle={(event) => event.currentTarget.open && load()}>
        <summary>
          Styles and features
          {product.styles.length + product.features.length > 0
            ? `: ${[...product.styles, ...product.features].map(humanize).join(", ")}`
            : ""}
        </summary>
        {terms.state === "loaded" ? (
          <>
            <VocabularySelect
              legend="Styles"
              all={terms.styles}
              chosen={product.styles}
              max={MAX_TERMS}
              onChange={(styles) => onChange({ ...product, styles })}
            />
            <VocabularySelect
              legend="Features"
              all={terms.features}
              chosen={product.features}
              max={MAX_TERMS}
              onChange={(features) => onChange({ ...product, features })}
            />
          </>
        ) : null}
        {terms.state === "loading" ? <p className="hint">Loading styles and features.</p> : null}
        {terms.state === "failed" ? (
          <CodedError error={terms.error}>
            <TryAgain after={terms.error.extensions?.retryAfterSeconds} onClick={load}>
              Try again
            </TryAgain>
          </CodedError>
        ) : null}
      </details>
      <p className="hint">
        If several inputs set the same dimension, the order of precedence is: number, price band, features, styles.
      </p>
    </div>
  );
}

/** Moving the slider states the dimension; clearing the check box removes it. */
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
  const [low, high] = DIMENSION_ENDS[name];
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
          {humanize(name)}
        </span>
      </label>
      <label className="sr-only" htmlFor={id}>
        {`${humanize(name)}, ${low} to ${high}`}
      </label>
      <input
        id={id}
        type="range"
        min="0"
        max="1"
        step="0.05"
        value={value ?? 0.5}
        aria-valuetext={value === null ? "not stated" : value.toFixed(2)}
        title={`0 ${low}, 1 ${high}`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <output htmlFor={id}>{value === null ? "\u2013" : value.toFixed(2)}</output>
    </div>
  );
}
