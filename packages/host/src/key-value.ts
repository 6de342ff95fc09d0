/**
 * The KeyValue port over LMDB. Batches are committed in LMDB's own thread (visible), and synced to the disk while later
 * ones are already written (durable: `flush`). After a crash of the process every committed batch is there; after a
 * crash of the machine the last flushed state, and what is behind it comes again from our logs.
 *
 * Keys and values are plain bytes: LMDB's own order is that of unsigned bytes.
 */

import { statfsSync } from "node:fs";
import { constants } from "node:os";
import { briefSlabs } from "@holdfast/base";
import type { KeyRange, KeyValue, KeyValuePair, KeyValueSnapshot, Mutation } from "@holdfast/ports";
import { checkKey, DiskError } from "@holdfast/ports";
import type { Key, RangeOptions, RootDatabase, Transaction } from "lmdb";
import { open } from "lmdb";
import { diskError } from "./disk-errors.ts";
import { plainKeys, plainValues } from "./plain-bytes.ts";

export interface KeyValueOptions {
  /** Address space reserved at first; LMDB reserves more when the data outgrows it. Costs neither memory nor disk. */
  readonly mapBytesInitial?: number;
}

/** Opens the store in the folder, made if it is missing. Only one at a time may have it open: hold the Disk's lock. */
export function openKeyValue(directory: string, options: KeyValueOptions = {}): KeyValue {
  const database = attempt(directory, () =>
    open<Uint8Array, Uint8Array>({
      path: directory,
      // A dot in the folder's name would otherwise make it a file.
      noSubdir: false,
      keyEncoder: plainKeys(),
      encoding: "binary",
      encoder: plainValues(),
      compression: false,
      cache: false,
      maxDbs: 1,
      overlappingSync: true,
      // Each batch is one transaction of its own accord. With it, LMDB makes promises of its own whose failure nobody
      // could hear.
      eventTurnBatching: false,
      // Pages may keep bytes of this process' freed memory: the file is as private as the data itself.
      noMemInit: true,
      mapSize: options.mapBytesInitial ?? 1024 ** 3,
    }),
  );
  return new LmdbKeyValue(directory, database);
}

/** What the encoders make of LMDB's buffers: its own types know of Buffers and other kinds of keys. */
interface ReadPair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** How often a call that LMDB does not answer asks whether LMDB still lives. */
const probeMs = 1000;

/**
 * A failed commit or sync breaks the store for good (S11): what it covered is unknown. LMDB's promises alone would not
 * tell: after such a failure some of them never settle, so every call under way is failed from here.
 */
class LmdbKeyValue implements KeyValue {
  readonly #directory: string;
  readonly #database: RootDatabase<Uint8Array, Uint8Array>;
  #lastWrite: Promise<void> = Promise.resolve();
  /** How to fail the calls under way. */
  readonly #waiting = new Set<(error: DiskError) => void>();
  #probe: NodeJS.Timeout | undefined;
  #failure: DiskError | undefined;
  readonly #snapshots = new Set<LmdbSnapshot>();
  #closed: Promise<void> | undefined;

  constructor(directory: string, database: RootDatabase<Uint8Array, Uint8Array>) {
    this.#directory = directory;
    this.#database = database;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.peek(key);
    return value === undefined ? undefined : briefSlabs.copy(value);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    // In memory that LMDB uses again for the next one, and whose own length is another.
    const shared = this.#look(key);
    return shared === undefined ? undefined : new Uint8Array(shared.buffer, shared.byteOffset, shared.length);
  }

  #look(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getBinaryFast(key);
    } catch (error) {
      throw lmdbError(error, this.#directory);
    }
  }

  range(range: KeyRange): Iterable<KeyValuePair> {
    this.#checkOpen();
    return this.#range(range, {});
  }

  openSnapshot(): KeyValueSnapshot {
    this.#checkOpen();
    const transaction = attempt(this.#directory, () => this.#database.useReadTransaction());
    const range = (of: KeyRange): Iterable<KeyValuePair> => this.#range(of, { transaction });
    const snapshot = new LmdbSnapshot(transaction, this.#directory, range, () => {
      this.#snapshots.delete(snapshot);
    });
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  #range(range: KeyRange, options: RangeOptions): Iterable<KeyValuePair> {
    const { limit, to } = range;
    if (limit === 0 || to?.length === 0) return [];
    const pairs = this.#database.getRange({ ...rangeOptions(range), ...options }) as Iterable<ReadPair>;
    return { [Symbol.iterator]: () => checkedPairs(pairs[Symbol.iterator](), this.#directory) };
  }

  async write(batch: readonly Mutation[]): Promise<void> {
    this.#checkWorks();
    for (const { key } of batch) checkKey(key);
    if (batch.length > 0) this.#lastWrite = this.#outcome(this.#commit(batch));
    await this.#lastWrite;
  }

  async flush(): Promise<void> {
    this.#checkWorks();
    // LMDB's "flushed" counts from the last batch handed over, so it covers every visible one.
    await this.#outcome(Promise.resolve(this.#database.flushed));
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeOnce();
    return this.#closed;
  }

  async #closeOnce(): Promise<void> {
    // LMDB unmaps the file under whoever reads still.
    for (const snapshot of this.#snapshots) snapshot.close();
    await this.#lastWrite.catch(() => undefined);
    // A broken store waits for ever for what it lost.
    if (this.#failure === undefined) await this.#database.close();
  }

  async #commit(batch: readonly Mutation[]): Promise<void> {
    await this.#database.batch(() => {
      // LMDB's thread reads the values in place, until the batch is committed. Failures come with the whole batch.
      for (const { key, value } of batch) {
        if (value === undefined) void this.#database.remove(key);
        else void this.#database.put(key, value);
      }
    });
  }

  /** Settles as the call does, or fails with the store. */
  #outcome(call: Promise<unknown>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.#probe ??= setInterval(() => this.#checkAlive(), probeMs).unref();
      const done = (): void => {
        this.#waiting.delete(reject);
        if (this.#waiting.size > 0) return;
        clearInterval(this.#probe);
        this.#probe = undefined;
      };
      call.then(
        () => {
          done();
          resolve();
        },
        async (error: unknown) => {
          this.#break(lmdbError(await commitFailure(error), this.#directory));
          done();
        },
      );
    });
  }

  #break(error: DiskError): void {
    this.#failure ??= error;
    for (const reject of this.#waiting) reject(this.#failure);
  }

  /** After a failed update of its meta page LMDB answers every new read with MDB_PANIC, and pending writes never. */
  #checkAlive(): void {
    try {
      this.#database.resetReadTxn();
      this.#database.doesExist(new Uint8Array(1));
    } catch (error) {
      this.#break(lmdbError(error, this.#directory));
    }
  }

  #checkOpen(): void {
    if (this.#closed !== undefined)
      throw new DiskError("io", this.#directory, "the key-value store is closed");
  }

  #checkWorks(): void {
    this.#checkOpen();
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/**
 * A read transaction that is held: LMDB's reader table keeps its pages from being used again, writers go on beside it.
 * When the map grows, lmdb-js maps the file once more and leaves the maps before where they are until the store is closed.
 */
class LmdbSnapshot implements KeyValueSnapshot {
  readonly #directory: string;
  readonly #range: (range: KeyRange) => Iterable<KeyValuePair>;
  readonly #onClose: () => void;
  #transaction: Transaction | undefined;

  constructor(
    transaction: Transaction,
    directory: string,
    range: (range: KeyRange) => Iterable<KeyValuePair>,
    onClose: () => void,
  ) {
    this.#transaction = transaction;
    this.#directory = directory;
    this.#range = range;
    this.#onClose = onClose;
  }

  range(range: KeyRange): Iterable<KeyValuePair> {
    if (this.#transaction === undefined) throw new DiskError("io", this.#directory, "the snapshot is closed");
    return this.#range(range);
  }

  close(): void {
    this.#transaction?.done();
    this.#transaction = undefined;
    this.#onClose();
  }
}

function rangeOptions({ from, to, reverse = false, limit }: KeyRange): RangeOptions {
  const options: RangeOptions = limit === undefined ? {} : { limit };
  // No key sorts before a single zero, and LMDB has no empty keys.
  const first: Key = from.length === 0 ? new Uint8Array(1) : from;
  if (!reverse) return { ...options, start: first, ...(to === undefined ? {} : { end: to }) };
  // Backwards LMDB starts at the upper end, which is left out, and ends with the lower one, which is not.
  const downwards = { ...options, reverse, end: first, inclusiveEnd: true };
  return to === undefined ? downwards : { ...downwards, start: to, exclusiveStart: true };
}

/** LMDB's promise says only that a commit failed; the reason is in another promise, which must not go unheard. */
async function commitFailure(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && "commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}

/** Not a generator: listings step through many pairs. */
function checkedPairs(pairs: Iterator<ReadPair>, path: string): Iterator<ReadPair> {
  return {
    next: () => {
      try {
        return pairs.next();
      } catch (error) {
        throw lmdbError(error, path);
      }
    },
    return: () => pairs.return?.() ?? { done: true, value: undefined },
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw lmdbError(error, path);
  }
}

const mapFull = -30_792;
/** MDB_PAGE_NOTFOUND, CORRUPTED, VERSION_MISMATCH, INVALID, CURSOR_FULL, PAGE_FULL, BAD_TXN, PROBLEM: pages lead where they cannot. */
const damageCodes: ReadonlySet<unknown> = new Set([
  -30_797, -30_796, -30_794, -30_793, -30_787, -30_786, -30_782, -30_779,
]);
const { EIO, ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE } = constants.errno;
/** With less than this left, a write that LMDB calls short is taken for one that found no space. */
const freeBytesMin = 1024 * 1024;

/** LMDB's errors carry the system's number, or one of its own. */
function lmdbError(error: unknown, path: string): DiskError {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (damageCodes.has(code)) return new DiskError("damaged", path, message, error);
  switch (code) {
    case mapFull:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return new DiskError("no-space", path, message, error);
    case EMFILE:
    case ENFILE:
      return new DiskError("too-many-files", path, message, error);
    case EIO:
      // LMDB says so of a write of which only a part fitted, too.
      return new DiskError(isFull(path) ? "no-space" : "io", path, message, error);
    default:
      return diskError(error, path);
  }
}

function isFull(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize < freeBytesMin;
  } catch {
    // Not even that can be asked: not a matter of space.
    return false;
  }
}
