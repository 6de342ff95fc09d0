/** A block store on a simulated disk, for the tests of this package. Has the ending of a test and holds none. */

import assert from "node:assert/strict";
import type { BlockId, ContentId, Random } from "@holdfast/base";
import { attempt, blockIdText, crc32, seededRandom, shardId, writerId } from "@holdfast/base";
import type { Clock, Disk, DiskFile, KeyValue } from "@holdfast/ports";
import {
  CollectingJournal,
  SimulatedDisk,
  SimulatedKeyValue,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { BlockErrorKind } from "./block-error.ts";
import { BlockError } from "./block-error.ts";
import type { BlockStore } from "./block-store.ts";
import type { BlockStoreOptions } from "./open-block-store.ts";
import { openBlockStore } from "./open-block-store.ts";

export const folder = "blocks";
export const hashing = simulatedHashing;

/** Bursts gather in one run of the event loop, as in the host. */
export const burstClock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  after: () => assert.fail("the block engine sets no timers"),
  soon: (action) => {
    setImmediate(action);
  },
};

export function content(number: number): ContentId {
  return { home: shardId(1), writer: writerId(7), attempt: attempt(number) };
}

export function block(contentNumber: number, sequence: number): BlockId {
  return { content: content(contentNumber), part: 1, sequence, salt: 0 };
}

/** The one body that a block id may have (S1). */
export function bodyOf(id: BlockId, bytesMax: number = 6000): Uint8Array {
  const random = seededRandom(crc32(new TextEncoder().encode(blockIdText(id))));
  return random.bytes(random.uint32() % bytesMax);
}

export function isBlockError(kind: BlockErrorKind): (error: unknown) => boolean {
  return (error) => error instanceof BlockError && error.kind === kind;
}

export async function put(store: BlockStore, id: BlockId, body: Uint8Array = bodyOf(id)): Promise<void> {
  await store.put(id, body, crc32(body));
}

export async function assertHolds(
  store: BlockStore,
  id: BlockId,
  body: Uint8Array = bodyOf(id),
): Promise<void> {
  const stored = await store.read(id);
  assert.deepEqual(stored, { body, checksum: crc32(body) }, `block ${blockIdText(id)}`);
  assert.equal(store.has(id), true);
}

export async function assertMissing(store: BlockStore, id: BlockId): Promise<void> {
  assert.equal(store.has(id), false, `block ${blockIdText(id)}`);
  await assert.rejects(store.read(id), isBlockError("missing"));
}

export async function compactAll(store: BlockStore, deadRatioMin?: number): Promise<void> {
  for (const volume of store.compactionCandidates(deadRatioMin)) await compact(store, volume);
}

export async function compact(store: BlockStore, volume: number): Promise<string> {
  const steps = store.compact(volume);
  for (let step = await steps.next(); ; step = await steps.next()) if (step.done === true) return step.value;
}

export interface WorldOptions extends Partial<BlockStoreOptions> {
  readonly seed?: number;
  /** Called before every operation that touches the disk or the index store. */
  readonly beforeOperation?: (name: string) => void;
}

export class BlockWorld {
  readonly disk: SimulatedDisk;
  readonly journal = new CollectingJournal();
  index: SimulatedKeyValue;
  readonly #random: Random;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.#random = seededRandom(options.seed ?? 1);
    this.disk = new SimulatedDisk({ random: this.#random });
    this.index = new SimulatedKeyValue({ random: this.#random });
  }

  open(options: Partial<BlockStoreOptions> = {}): Promise<BlockStore> {
    const { seed: _, beforeOperation = (): void => undefined, ...configured } = this.#options;
    return openBlockStore({
      disk: observedDisk(this.disk.mount(), beforeOperation),
      index: observedIndex(this.index.mount(), beforeOperation),
      clock: burstClock,
      random: this.#random,
      hashing,
      journal: this.journal,
      folder,
      ...configured,
      ...options,
    });
  }

  kill(): void {
    this.disk.kill();
    this.index.kill();
  }

  powerLoss(): void {
    this.disk.powerLoss();
    this.index.powerLoss();
  }

  loseIndex(): void {
    this.index = new SimulatedKeyValue({ random: this.#random });
  }

  events(): readonly string[] {
    return this.journal.lines.map(({ event }) => event);
  }
}

function observedDisk(disk: Disk, before: (name: string) => void): Disk {
  const observe = <Args extends readonly unknown[], Result>(
    name: string,
    call: (...args: Args) => Promise<Result>,
  ) => {
    return (...args: Args): Promise<Result> => {
      before(name);
      return call(...args);
    };
  };
  return {
    memory: disk.memory,
    open: observe("open", async (path, mode, options) =>
      observedFile(await disk.open(path, mode, options), before),
    ),
    list: (path) => disk.list(path),
    makeFolder: observe("makeFolder", (path: string) => disk.makeFolder(path)),
    rename: observe("rename", (from: string, to: string) => disk.rename(from, to)),
    remove: observe("remove", (path: string) => disk.remove(path)),
    syncDirectory: observe("syncDirectory", (path: string) => disk.syncDirectory(path)),
    space: () => disk.space(),
    lock: () => disk.lock(),
  };
}

function observedFile(file: DiskFile, before: (name: string) => void): DiskFile {
  const observe = (name: string): void => before(name);
  return {
    path: file.path,
    read: (offset, length) => file.read(offset, length),
    readInto: (offset, target, pastCache) => file.readInto(offset, target, pastCache),
    write: (offset, buffers) => {
      observe("write");
      return file.write(offset, buffers);
    },
    sync: () => {
      observe("sync");
      return file.sync();
    },
    size: () => file.size(),
    truncate: (bytes) => {
      observe("truncate");
      return file.truncate(bytes);
    },
    close: () => file.close(),
  };
}

function observedIndex(index: KeyValue, before: (name: string) => void): KeyValue {
  return {
    get: (key) => index.get(key),
    peek: (key) => index.peek(key),
    range: (range) => index.range(range),
    openSnapshot: () => index.openSnapshot(),
    write: (batch) => {
      before("index write");
      return index.write(batch);
    },
    flush: () => {
      before("index flush");
      return index.flush();
    },
    close: () => index.close(),
  };
}
