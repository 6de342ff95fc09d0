/** The line that a terminal shows while files are on their way: how much, how fast, how long it will still take. */

import { countText, durationText, sizeText } from "../command-line/format.ts";
import type { Output } from "../command-line/output.ts";
import type { Tally } from "./tally.ts";

const windowMs = 10_000;
const redrawMs = 200;

/** Bytes per second over the last seconds: what happened before says little about what comes. */
export class Rate {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];

  /** `bytes` in all so far; times never go back. */
  sample(atMs: number, bytes: number): void {
    this.#samples.push({ atMs, bytes });
    // The newest sample outside the window stays: it is where the window begins.
    while ((this.#samples[1]?.atMs ?? atMs) < atMs - windowMs) this.#samples.shift();
  }

  /** Undefined until there is something to measure. */
  bytesPerSecond(): number | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.atMs - first.atMs < redrawMs) return undefined;
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
  }
}

/** Undefined while nobody can say. */
export function remainingMs(
  doneBytes: number,
  totalBytes: number,
  bytesPerSecond: number | undefined,
): number | undefined {
  if (bytesPerSecond === undefined || bytesPerSecond <= 0) return undefined;
  return (Math.max(0, totalBytes - doneBytes) / bytesPerSecond) * 1000;
}

export function progressText(
  tally: Pick<Tally, "files" | "bytes" | "totals">,
  bytesPerSecond: number | undefined,
): string {
  const { files, bytes, totals } = tally;
  const more = totals?.isComplete === false ? "+" : "";
  const parts = [
    totals === undefined
      ? countText(files, "file")
      : `${files.toLocaleString("en-US")} of ${totals.files.toLocaleString("en-US")}${more} ${totals.files === 1 ? "file" : "files"}`,
    totals === undefined ? sizeText(bytes) : `${sizeText(bytes)} of ${sizeText(totals.bytes)}${more}`,
  ];
  if (bytesPerSecond !== undefined) parts.push(`${sizeText(bytesPerSecond)}/s`);
  // What is left of what nobody has counted to its end would be said too small.
  const left = totals?.isComplete === true ? remainingMs(bytes, totals.bytes, bytesPerSecond) : undefined;
  if (left !== undefined) parts.push(`${durationText(left)} left`);
  return parts.join("  ");
}

/** Draws until the returned function is called; does nothing where nobody watches. */
export function showProgress(output: Output, tally: Tally): () => void {
  if (!output.terminal || output.json) return () => undefined;
  const rate = new Rate();
  const timer = setInterval(() => {
    rate.sample(tally.elapsedMs, tally.bytes);
    output.status(progressText(tally, rate.bytesPerSecond()));
  }, redrawMs);
  return () => {
    clearInterval(timer);
    output.status("");
  };
}
