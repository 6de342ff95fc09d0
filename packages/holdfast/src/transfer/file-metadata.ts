/**
 * Mode and modification time of a local file, as user metadata: `mode` in octal, `mtime` in seconds with a fraction
 * (the names and forms that rclone uses too). Owners and other bits of the mode are not carried over.
 */

import type { BigIntStats } from "node:fs";

export interface LocalAttributes {
  /** Permission bits. */
  readonly mode: number | undefined;
  readonly modifiedAtSeconds: number | undefined;
}

export function metadataOf(stats: Pick<BigIntStats, "mode" | "mtimeNs">): Readonly<Record<string, string>> {
  const mode = (Number(stats.mode) & 0o777).toString(8).padStart(4, "0");
  return { mode, mtime: secondsText(stats.mtimeNs) };
}

/** What cannot be understood is left alone: other tools may use these names otherwise. */
export function attributesOf(metadata: Readonly<Record<string, string>>): LocalAttributes {
  const { mode, mtime } = metadata;
  return {
    mode: mode !== undefined && /^[0-7]{3,7}$/.test(mode) ? Number.parseInt(mode, 8) & 0o777 : undefined,
    modifiedAtSeconds:
      mtime !== undefined && /^-?\d{1,11}(?:\.\d{1,9})?$/.test(mtime) ? Number(mtime) : undefined,
  };
}

function secondsText(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? "-" : "";
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = String(size % 1_000_000_000n).padStart(9, "0");
  return `${sign}${size / 1_000_000_000n}.${fraction}`;
}
