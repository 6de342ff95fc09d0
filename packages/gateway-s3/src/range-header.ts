/** The Range header. As S3 does, what is malformed or names several ranges is ignored: the whole file is the answer. */

import type { ByteRange } from "@holdfast/node";

export function parseRange(value: string | undefined): ByteRange | undefined {
  const bounds = /^bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(value ?? "");
  if (bounds === null) return undefined;
  const [, first = "", last = ""] = bounds;
  if (first === "") return last === "" ? undefined : { kind: "suffix", bytes: Number(last) };
  if (last === "") return { kind: "from", first: Number(first), last: undefined };
  return Number(last) < Number(first)
    ? undefined
    : { kind: "from", first: Number(first), last: Number(last) };
}
