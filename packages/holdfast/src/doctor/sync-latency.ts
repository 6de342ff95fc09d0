/** How long the disk takes to make 4 KiB durable: what every acknowledgement waits for. */

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Finding } from "./finding.ts";
import { ok, warning } from "./finding.ts";

const writesMax = 200;
const measureMs = 1000;
const pageBytes = 4096;
const slowMs = 20;

export async function syncFinding(directory: string): Promise<Finding> {
  const durationsMs = (await measure(directory)).toSorted((a, b) => a - b);
  const median = durationsMs[Math.floor(durationsMs.length / 2)] ?? 0;
  const slowest = durationsMs.at(-1) ?? 0;
  const what = `4 KiB are durable in ${text(median)}, at most ${text(slowest)} (${durationsMs.length} writes)`;
  if (median <= slowMs) return ok("sync", what);
  return warning("sync", what, {
    why: "every write waits for one such sync",
    next: "use a faster disk, best one whose cache survives a power loss, and see what else writes to this one",
  });
}

function text(ms: number): string {
  return `${ms < 10 ? ms.toFixed(2) : Math.round(ms)} ms`;
}

/** In a file of its own, which is gone afterwards; written before it is measured, as the log's segments are. */
async function measure(directory: string): Promise<readonly number[]> {
  const path = join(directory, `doctor-${randomBytes(6).toString("hex")}.tmp`);
  const page = new Uint8Array(pageBytes);
  const syncFlag: number | undefined = constants.O_DSYNC;
  const file = await open(
    path,
    constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (syncFlag ?? 0),
    0o600,
  );
  try {
    await file.write(new Uint8Array(pageBytes * writesMax), 0, undefined, 0);
    await file.sync();
    const durationsMs: number[] = [];
    const endMs = performance.now() + measureMs;
    for (let i = 0; i < writesMax && performance.now() < endMs; i++) {
      const begunMs = performance.now();
      await file.write(page, 0, pageBytes, i * pageBytes);
      if (syncFlag === undefined) await file.datasync();
      durationsMs.push(performance.now() - begunMs);
    }
    return durationsMs;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
