/** Linear scales from `min` to `max`, in percent of the width of a picture. */

export interface Scale {
  min: number;
  max: number;
  ticks: number[];
  /** Formats a tick label. */
  format: (value: number) => string;
}

export function at({ min, max }: Scale, value: number): string {
  const share = (value - min) / (max - min);
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(3)}%`;
}

/** 0 to 1, for scores and shares. */
export const UNIT: Scale = {
  min: 0,
  max: 1,
  ticks: [0, 0.25, 0.5, 0.75, 1],
  format: (value) => String(value),
};

export const CORRELATION: Scale = { min: -1, max: 1, ticks: [-1, -0.5, 0, 0.5, 1], format: signed };

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value).replace("-", "\u2212");
}

/** A scale from 0 to the last tick. */
export function ticked(ticks: number[], format: (value: number) => string = asNumber): Scale {
  return { min: 0, max: ticks.at(-1)!, ticks, format };
}

/** A scale from 0 to a round number that is at least `highest`, with about four steps. */
export function fromZero(highest: number, format: (value: number) => string): Scale {
  const step = niceStep((highest > 0 ? highest : 1) / 4);
  const steps = Math.max(1, Math.ceil(highest / step - 1e-9));
  const ticks = Array.from({ length: steps + 1 }, (_, n) => Number((n * step).toPrecision(12)));
  return { min: 0, max: ticks.at(-1)!, ticks, format };
}

export const asPercent = (value: number) => `${Number((value * 100).toPrecision(6))}\u00a0%`;
export const asPerMille = (value: number) => `${asNumber(value * 1000)}\u00a0‰`;
export function asNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function niceStep(minStep: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(minStep));
  const nice = [1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= minStep * (1 - 1e-9)) ?? 10;
  return nice * magnitude;
}
