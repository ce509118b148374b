/** How often something is done: every so many steps, or every so many seconds; undefined: never. */
export interface Interval {
  readonly steps?: number;
  readonly seconds?: number;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** The forms of an interval in words. */
export const INTERVAL_FORMS = "a number of steps (500) or a time (600s, 10m, 2h)";

/** An interval as it is written: `500` steps, `600s`, `10m`, `2h`; `0` is never. Undefined if it is none. */
export function parseInterval(text: string): Interval | undefined {
  const match = /^(\d+|\d+\.\d+)([smh]?)$/.exec(text);
  if (match === null) return undefined;
  const [, digits, unit] = match;
  const value = Number(digits);
  if (value === 0) return {};
  if (unit !== "") return { seconds: value * SECONDS[unit] };
  return Number.isSafeInteger(value) ? { steps: value } : undefined;
}
