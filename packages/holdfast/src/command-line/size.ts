/** Sizes as users write them: `4096`, `64KiB`, `1MiB`, `2g`. */

import { UsageError } from "./failure.ts";

const factors: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

export function parseSize(text: string, flag: string): number {
  const match = /^(\d{1,15})\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = Number(match?.[1]) * (factors[(match?.[2] ?? "").toLowerCase()] ?? Number.NaN);
  if (match === null || !Number.isSafeInteger(bytes)) {
    throw new UsageError(`${flag}: "${text}" is no size; expected a number and a unit, as in 1MiB`);
  }
  return bytes;
}

/** A whole number from `min` to `max`. */
export function parseCount(text: string, flag: string, min: number, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw new UsageError(`${flag}: "${text}" is no whole number from ${min} to ${max}`);
}
