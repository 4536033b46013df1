/** A line from `min` to `max`, in percent of a picture's width. */

export interface Scale {
  min: number;
  max: number;
  ticks: number[];
  /** How a tick is written. */
  write: (value: number) => string;
}

export function at({ min, max }: Scale, value: number): string {
  const share = (value - min) / (max - min);
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(3)}%`;
}

/** 0 to 1, as scores and overlaps are. */
export const UNIT: Scale = {
  min: 0,
  max: 1,
  ticks: [0, 0.25, 0.5, 0.75, 1],
  write: (value) => String(value),
};

export const CORRELATION: Scale = { min: -1, max: 1, ticks: [-1, -0.5, 0, 0.5, 1], write: signed };

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value).replace("-", "\u2212");
}

/** 0 to the last of some ticks. */
export function ticked(ticks: number[], write: (value: number) => string = asNumber): Scale {
  return { min: 0, max: ticks.at(-1)!, ticks, write };
}

/** 0 to a round number that is not below `highest`, with about four steps. */
export function fromZero(highest: number, write: (value: number) => string): Scale {
  const step = niceStep((highest > 0 ? highest : 1) / 4);
  const steps = Math.max(1, Math.ceil(highest / step - 1e-9));
  const ticks = Array.from({ length: steps + 1 }, (_, n) => Number((n * step).toPrecision(12)));
  return { min: 0, max: ticks.at(-1)!, ticks, write };
}

export const asPercent = (value: number) => `${Number((value * 100).toPrecision(6))}\u00a0%`;
export const asPerMille = (value: number) => `${asNumber(value * 1000)}\u00a0‰`;
export function asNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function niceStep(least: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(least));
  const nice = [1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= least * (1 - 1e-9)) ?? 10;
  return nice * magnitude;
}
