/** Durable appends through the write-ahead log against a bare loop with the same open mode, zeros and batching. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ballot, groupId, logIndex } from "@holdfast/base";
import { nodeHashing, openDisk, realClock, secureRandom } from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import { openWriteAheadLog } from "@holdfast/wal";
import { BareLogLoop } from "../bare-log-loop.ts";
import type { Round, Row } from "../report.ts";

const writers = 64;
const payloadBytes = 216;
const appendsPerWriter = 4000;
const roundCount = 3;

export async function logSuite(): Promise<readonly Row[]> {
  const rounds: Round[] = [];
  for (let i = 0; i < roundCount; i++) {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-log-"));
    try {
      const [value, limit] = [await ours(folder), await bareLoop(folder)];
      rounds.push({
        value: value.rate,
        limit: limit.rate,
        cpuMicros: { value: value.cpuMicros, limit: limit.cpuMicros },
        generatorCores: 0,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  const limitName = "bare loop: O_DSYNC, zero-filled file, one write per batch";
  return [
    {
      name: `log appends, ${writers} writers, ${payloadBytes} B`,
      unit: "appends/s",
      durable: "each append",
      limitName,
      rounds,
      target: { of: "ratio", bound: "at least", is: 0.8 },
    },
  ];
}

interface Measured {
  readonly rate: number;
  /** CPU time of all threads for each append. */
  readonly cpuMicros: number;
}

async function ours(folder: string): Promise<Measured> {
  const disk = await openDisk(folder);
  const { log } = await openWriteAheadLog({
    disk,
    clock: realClock,
    random: secureRandom,
    hashing: nodeHashing,
    journal: silentJournal,
    folder: "log",
    segmentBytes: 256 * 1024 * 1024,
  });
  const group = groupId(1);
  const payload = new Uint8Array(payloadBytes).fill(1);
  const writer = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const index = logIndex(log.queuedLastIndex(group) + 1);
      await log.append({ group, entries: [{ index, ballot: ballot(1), payload }] });
    }
  };
  await together(() => writer(200));
  const measured = await timed(() => together(() => writer(appendsPerWriter)));
  await log.close();
  return measured;
}

async function bareLoop(folder: string): Promise<Measured> {
  const loop = await BareLogLoop.open(join(folder, "bare"));
  const payload = Buffer.alloc(payloadBytes, 1);
  const writer = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await loop.append(payload);
  };
  await together(() => writer(200));
  const measured = await timed(() => together(() => writer(appendsPerWriter)));
  await loop.close();
  return measured;
}

async function together(work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: writers }, work));
}

async function timed(work: () => Promise<void>): Promise<Measured> {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  const appends = writers * appendsPerWriter;
  return {
    rate: appends / ((performance.now() - startedAt) / 1000),
    cpuMicros: (user + system) / appends,
  };
}
