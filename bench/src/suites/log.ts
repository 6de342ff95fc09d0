/** Durable appends through the write-ahead log against a bare loop with the same open mode, zeros and batching. */

import { constants } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ballot, groupId, logIndex } from "@holdfast/base";
import { nodeHashing, openDisk, realClock, secureRandom } from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import { openWriteAheadLog } from "@holdfast/wal";
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
  const path = join(folder, "bare");
  const fileBytes = 128 * 1024 * 1024;
  const zeros = await open(path, "w");
  for (let at = 0; at < fileBytes; at += 8 * 1024 * 1024)
    await zeros.write(Buffer.alloc(8 * 1024 * 1024), 0, undefined, at);
  await zeros.sync();
  await zeros.close();
  const file = await open(path, constants.O_RDWR | constants.O_DSYNC);
  const loop = new BareLoop(async (bytes, offset) => {
    await file.write(bytes, 0, bytes.length, offset);
  }, fileBytes);
  const payload = Buffer.alloc(payloadBytes, 1);
  const writer = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await loop.append(payload);
  };
  await together(() => writer(200));
  const measured = await timed(() => together(() => writer(appendsPerWriter)));
  await file.close();
  return measured;
}

/** What is queued while a write is in flight goes into the next. */
class BareLoop {
  readonly #write: (bytes: Buffer, offset: number) => Promise<void>;
  readonly #fileBytes: number;
  #queue: { readonly payload: Buffer; readonly resolve: () => void }[] = [];
  #writing = false;
  #offset = 0;

  constructor(write: (bytes: Buffer, offset: number) => Promise<void>, fileBytes: number) {
    this.#write = write;
    this.#fileBytes = fileBytes;
  }

  append(payload: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ payload, resolve });
    if (!this.#writing) {
      this.#writing = true;
      setImmediate(() => void this.#pump());
    }
    return promise;
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      const bytes = Buffer.concat(batch.map(({ payload }) => payload));
      if (this.#offset + bytes.length > this.#fileBytes) this.#offset = 0;
      await this.#write(bytes, this.#offset);
      this.#offset += Math.ceil(bytes.length / 4096) * 4096;
      for (const { resolve } of batch) resolve();
    }
    this.#writing = false;
  }
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
