/** Number formatting. */
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const UNITS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
const SMALL_UNITS = new Intl.NumberFormat("en-US", { maximumFractionDigits: 4 });

export const points = (value: number): string => WHOLE.format(value);
export const units = (value: number): string => (value < 0.1 ? SMALL_UNITS : UNITS).format(value);
export const milliseconds = (value: number): string => `${WHOLE.format(value)} ms`;

export function counted(value: number, one: string, format = points): string {
  return `${format(value)} ${value === 1 ? one : `${one}s`}`;
}
