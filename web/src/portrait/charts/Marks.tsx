/** The marks of a measure on a scale: its interval as a line, its value as a dot (A) or a diamond (B). */
import type { Measure } from "../model/answer";
import { at, type Scale } from "./scale";

export const DOT = 4.5;

interface MarkProps {
  scale: Scale;
  /** Vertical center of the mark, in pixels. */
  y: number;
  tag: "A" | "B";
}

export function Interval({ measure, scale, y, tag }: MarkProps & { measure: Pick<Measure, "interval95" | "quality"> }) {
  const [low, high] = [at(scale, measure.interval95.low), at(scale, measure.interval95.high)];
  const lowClass = measure.quality === "LOW" ? "low" : "";
  return (
    <g className={`interval-mark ${tag.toLowerCase()} ${lowClass}`}>
      <line x1={low} x2={high} y1={y} y2={y} />
      <line className="cap" x1={low} x2={low} y1={y - 3.5} y2={y + 3.5} />
      <line className="cap" x1={high} x2={high} y1={y - 3.5} y2={y + 3.5} />
    </g>
  );
}

/** The mark of a value; hollow if the quality is LOW. */
export function Dot({ measure, scale, y, tag }: MarkProps & { measure: Pick<Measure, "value" | "quality"> }) {
  return (
    <svg
      x={at(scale, measure.value)}
      y={y}
      className={`dot ${tag.toLowerCase()} ${measure.quality === "LOW" ? "low" : ""}`}
      overflow="visible"
    >
      {tag === "A" ? <circle r={DOT} /> : <path d="M0 -5.5 L5.5 0 L0 5.5 L-5.5 0 Z" />}
    </svg>
  );
}

/** A bar from the scale's zero to the value. */
export function Bar({ measure, scale, y, tag }: MarkProps & { measure: Pick<Measure, "value" | "quality"> }) {
  return (
    <rect
      className={`bar ${tag.toLowerCase()} ${measure.quality === "LOW" ? "low" : ""}`}
      x="0"
      width={at(scale, measure.value)}
      y={y - 6}
      height="12"
    />
  );
}

/** The mark of a withheld number: a dashed line over the whole scale. */
export function Gap({ y }: { y: number }) {
  return <line className="gap" x1="0" x2="100%" y1={y} y2={y} />;
}

/** Grid lines and thresholds behind the marks, over the full height. */
export function Grid({ scale, thresholds = [] }: { scale: Scale; thresholds?: readonly number[] | undefined }) {
  return (
    <svg className="grid" width="100%" height="100%" aria-hidden="true">
      {scale.ticks.map((tick) => (
        <line key={tick} x1={at(scale, tick)} x2={at(scale, tick)} y1="0" y2="100%" />
      ))}
      {thresholds
        .filter((value) => value < scale.max)
        .map((value) => (
          <line
            key={`threshold ${value}`}
            className="threshold"
            x1={at(scale, value)}
            x2={at(scale, value)}
            y1="0"
            y2="100%"
          />
        ))}
    </svg>
  );
}

export function Axis({ scale }: { scale: Scale }) {
  return (
    <span className="axis" aria-hidden="true">
      {scale.ticks.map((tick) => (
        <span key={tick} style={{ left: at(scale, tick) }}>
          {scale.format(tick)}
        </span>
      ))}
    </span>
  );
}
