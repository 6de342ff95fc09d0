/**
 * How V8 keeps house in a server process. Set while it runs, so that it holds whichever way the process was started; nothing
 * here is a hard limit that a large request could hit.
 */

import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Both halves of it: enough that what a request makes dies young. V8 by itself goes to 64 MiB. */
const newSpaceBytesMax = 16 * 1024 * 1024;
const boundEveryMs = 1000;
/** What may gather, of what was alive at the last look at the whole heap. */
const heapGrowingPercent = 60;
/** More would not help: each round fills new space with what survives, which is what makes V8 double it. */
const growthRoundsMax = 64;

/**
 * - Bodies pass through memory outside of V8's heap, 64 KiB a read. By default V8 looks through the whole heap for every 32 MiB of
 *   them, as if they were all still there: 56 times for 1.6 GB, which cost as much CPU as their MD5. Weighed with the rest of
 *   the heap, they make it look 20 times.
 * - New space is kept at one size: by default it goes with the load up to 64 MiB.
 * - Entries on their way to the state store outlive new space, and are garbage when they got there. V8 lets such garbage grow to a
 *   multiple of what lives before it looks: with 100,000 files stored that was 330 MiB instead of 150.
 */
export function settleHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
  for (let round = 0; newSpaceBytes() < newSpaceBytesMax && round < growthRoundsMax; round++)
    surviveScavenges();
  boundNewSpace();
  setInterval(boundNewSpace, boundEveryMs).unref();
}

/** V8 shrinks it to 2 MiB in quiet times. Then it has to be free to grow again, or it would stay that small for ever. */
function boundNewSpace(): void {
  const factor = newSpaceBytes() < newSpaceBytesMax ? 2 : 1;
  setFlagsFromString(`--semi-space-growth-factor=${factor}`);
}

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")?.space_size ?? 0;
}

function surviveScavenges(): number {
  const kept: object[] = [];
  for (let i = 0; i < 50_000; i++) kept.push({ i });
  return kept.length;
}
