/** Durations as users write them: `90s`, `15m`, `1h`, `7d`. */

import { UsageError } from "./failure.ts";

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** In milliseconds. */
export function parseDuration(text: string, flag: string): number {
  const [, number, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  const ms = Number(number) * (units[unit] ?? Number.NaN);
  if (Number.isSafeInteger(ms)) return ms;
  throw new UsageError(
    `${flag}: "${text}" is no duration; expected a number and a unit, as in 90s, 15m, 1h, 7d`,
  );
}
