/**
 * Bodies pass through memory outside of V8's heap: 64 KiB for each read of a socket, 1 MiB for each block read. V8 frees it with
 * the small objects that own it, but does not look at new space for its sake: when some 32 MiB have gathered it marks the whole
 * heap, which for a body of 64 MiB cost as much CPU as its MD5. Looking through new space alone takes 0.2 ms and frees the same.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MiB } from "@holdfast/base";

/** Between two looks: what is in hand at this moment survives one, and must not survive two, or it counts as old. */
const freshBytesMax = 8 * MiB;

/** What was dropped of shared memory may take so much before somebody looks for it. */
const sharedBytesMax = 256 * MiB;

type Collect = (options: { readonly type: "minor" | "major" }) => void;

let freshBytes = 0;
let sharedBytes = 0;
let collect: Collect | undefined;

/** To be told of memory outside of the heap that was just made and will be dropped soon. */
export function countFreshBytes(bytes: number): void {
  freshBytes += bytes;
  if (freshBytes < freshBytesMax) return;
  freshBytes = 0;
  collect ??= findCollect();
  collect({ type: "minor" });
}

/** To be told of shared memory that was just made. V8 does not count it: by itself it would never look for what was dropped. */
export function countSharedBytes(bytes: number): void {
  sharedBytes += bytes;
  if (sharedBytes < sharedBytesMax) return;
  sharedBytes = 0;
  collect ??= findCollect();
  collect({ type: "major" });
}

/** V8 shows it only to contexts made while it is asked to; a runtime without it collects when it thinks fit. */
function findCollect(): Collect {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("globalThis.gc");
  setFlagsFromString("--no-expose-gc");
  return isCollect(found) ? found : () => undefined;
}

function isCollect(found: unknown): found is Collect {
  return typeof found === "function";
}
