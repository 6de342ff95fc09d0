/** What a transfer has done so far, and its summary. */

import { countText, sizeText } from "../command-line/format.ts";

export interface TallyTotals {
  readonly files: number;
  readonly bytes: number;
  /** Otherwise there is at least so much. */
  readonly isComplete: boolean;
}

export class Tally {
  files = 0;
  bytes = 0;
  failed = 0;
  skippedSymlinks = 0;
  skippedSpecial = 0;
  /** Files that the target had already, and files that were removed there: of a sync alone. */
  unchanged = 0;
  deleted = 0;
  /** Of all there is to do, as somebody counts it ahead. */
  totals: TallyTotals | undefined;
  /** The work has ended; who still counts may stop. */
  isOver = false;
  readonly #startedMs = performance.now();

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  summary(): Readonly<Record<string, number | string>> {
    const { files, bytes, unchanged, deleted, failed, skippedSymlinks, skippedSpecial } = this;
    return {
      kind: "summary",
      files,
      bytes,
      unchanged,
      deleted,
      failed,
      skippedSymlinks,
      skippedSpecial,
      elapsedMs: Math.round(this.elapsedMs),
    };
  }

  text(): string {
    const seconds = this.elapsedMs / 1000;
    const rate = seconds > 0 ? ` (${sizeText(this.bytes / seconds)}/s)` : "";
    const parts = [
      `${countText(this.files, "file")}, ${sizeText(this.bytes)} in ${seconds.toFixed(1)} s${rate}`,
    ];
    if (this.unchanged > 0) parts.push(`${this.unchanged.toLocaleString("en-US")} unchanged`);
    if (this.deleted > 0) parts.push(`${countText(this.deleted, "file")} deleted`);
    if (this.failed > 0) parts.push(`${countText(this.failed, "file")} failed`);
    if (this.skippedSymlinks > 0) parts.push(`${countText(this.skippedSymlinks, "symbolic link")} skipped`);
    if (this.skippedSpecial > 0) parts.push(`${countText(this.skippedSpecial, "special file")} skipped`);
    return parts.join("; ");
  }
}
