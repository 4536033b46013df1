/** A number with its interval and quality as text. */
import type { Measure, Quality } from "../model/answer";
import { formatMeasure } from "../model/format";
import { CodedError } from "../panel/CodedError";
import type { Cell, Series } from "./series";

export function Figure({ measure }: { measure: Pick<Measure, "value" | "unit" | "interval95" | "quality"> }) {
  const { value, low, high, unit } = formatMeasure(measure);
  return (
    <span className="figure">
      <span className="figure-value">
        <data value={measure.value}>{value}</data>
        {unit === "" ? null : <span className="unit">{`\u00a0${unit}`}</span>}
      </span>{" "}
      <span className="interval">
        {low}
        <span className="sr-only"> to </span>
        <span aria-hidden="true">–</span>
        {high}
      </span>{" "}
      <QualityMark quality={measure.quality} />
    </span>
  );
}

const BARS: Record<Quality, number> = { LOW: 1, OK: 2, HIGH: 3 };

/** One to three bars for the quality of a number; LOW is also shown as text. */
export function QualityMark({ quality }: { quality: Quality }) {
  return (
    <span className={`quality quality-${quality.toLowerCase()}`} title={`Quality ${quality}`}>
      <svg width="11" height="10" aria-hidden="true">
        {[0, 1, 2].map((n) => (
          <rect
            key={n}
            x={n * 4}
            y={7 - n * 3.5}
            width="3"
            height={3 + n * 3.5}
            className={n < BARS[quality] ? "on" : "off"}
          />
        ))}
      </svg>
      <span className={quality === "LOW" ? undefined : "sr-only"}>
        <span className="sr-only">quality </span>
        {quality}
      </span>
    </span>
  );
}

/** The number of a cell, with the tag of its segment if there are two. */
export function CellText({ cell, series, tagged }: { cell: Cell; series: Series; tagged: boolean }) {
  return (
    <div className={`cell cell-${series.tag.toLowerCase()}`}>
      {tagged ? <Tag tag={series.tag} /> : null}
      {"measure" in cell ? (
        <Figure measure={cell.measure} />
      ) : (
        <span className="withheld">{"text" in cell ? cell.text : "withheld"}</span>
      )}
    </div>
  );
}

/**
 * The errors of withheld cells that have no code, shown once if two segments have the same one. The panel lists errors
 * with a code, each cause once.
 */
export function CellErrors({ cells, series }: { cells: readonly Cell[]; series: readonly Series[] }) {
  const found = cells.flatMap((cell, n) =>
    "error" in cell && cell.error.extensions?.code === undefined ? [{ error: cell.error, tag: series[n]!.tag }] : [],
  );
  const [first, second] = found;
  if (first === undefined) return null;
  const same = second !== undefined && first.error.message === second.error.message;
  return found.slice(0, same ? 1 : 2).map(({ error, tag }) => (
    <div key={tag} className="cell-error">
      {series.length > 1 ? (same ? found : [{ tag }]).map((one) => <Tag key={one.tag} tag={one.tag} />) : null}
      <CodedError error={error} size="small" />
    </div>
  ));
}

export function Tag({ tag }: { tag: "A" | "B" }) {
  return <span className={`tag tag-${tag.toLowerCase()}`}>{tag}</span>;
}
