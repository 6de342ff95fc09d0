/**
 * A KeyValue in memory. It keeps the state of the last flush and the batches since, so that a power loss can leave the
 * state after any of them (`powerLoss`), while a killed process keeps every batch that was visible (`kill`).
 *
 * A process holds the store by `mount()`; after a kill or a power loss its mount is dead: new calls fail with
 * DiskError "io", and calls that were under way never settle.
 */

import type { Random } from "@holdfast/base";
import { assert, present, uniform } from "@holdfast/base";
import type { DiskErrorKind } from "../disk.ts";
import { DiskError } from "../disk.ts";
import type { KeyRange, KeyValue, KeyValuePair, KeyValueSnapshot, Mutation } from "../key-value.ts";
import { checkKey } from "../key-value.ts";
import { SortedTable } from "../sorted-table.ts";
import type { Fate } from "./fate.ts";
import { fateByChance } from "./fate.ts";
import { FaultCounts } from "./fault-counts.ts";
import type { Simulation } from "./simulation.ts";

export interface SimulatedKeyValueOptions {
  readonly random: Random;
  /** Brings the time for latency; without it a batch is visible within the microtask behind the call. */
  readonly simulation?: Simulation;
  readonly latencyMs?: { readonly min: number; readonly max: number };
  /** Bytes of keys and values it takes. */
  readonly capacityBytes?: number;
}

interface Run {
  dead: boolean;
  closed: boolean;
  /** What the last peek gave out. */
  peeked: Uint8Array | undefined;
}

export class SimulatedKeyValue implements KeyValue {
  readonly #random: Random;
  readonly #simulation: Simulation | undefined;
  readonly #latencyMs: { readonly min: number; readonly max: number };
  #current = new SortedTable();
  /** What a power loss leaves at least. */
  readonly #flushed = new SortedTable();
  /** Visible batches since then. */
  #unflushed: (readonly Mutation[])[] = [];
  #batchesFlushed = 0;
  #own: KeyValue;
  #runs: Run[] = [];
  /** Calls complete in order: none before this time. */
  #busyUntilMs = 0;
  #writeFailure: DiskErrorKind | undefined;
  #flushFailure = false;
  #broken = false;
  capacityBytes: number;
  /** What really happened to this store. */
  readonly struck: FaultCounts = new FaultCounts();

  constructor({ random, simulation, latencyMs, capacityBytes }: SimulatedKeyValueOptions) {
    this.#random = random;
    this.#simulation = simulation;
    this.#latencyMs = latencyMs ?? { min: 0, max: 0 };
    this.capacityBytes = capacityBytes ?? 2 ** 50;
    assert(this.#latencyMs.max === 0 || simulation !== undefined, "latency needs a simulation");
    this.#own = this.mount();
  }

  /** The store as one process sees it until it is killed. */
  mount(): KeyValue {
    const run: Run = { dead: false, closed: false, peeked: undefined };
    this.#runs.push(run);
    return {
      get: (key) => this.#get(run, key),
      peek: (key) => this.#peek(run, key),
      range: (range) => this.#range(run, range),
      openSnapshot: () => this.#openSnapshot(run),
      write: (batch) => this.#write(run, batch),
      flush: () => this.#flush(run),
      close: async () => {
        run.closed = true;
      },
    };
  }

  /** The process dies: what was visible stays. */
  kill(): void {
    this.struck.add("kill");
    this.#endRuns();
  }

  /** The machine loses power: the state after some batch at or behind the last flush is left. */
  powerLoss(fate: Fate = fateByChance(this.#random)): void {
    this.struck.add("power-loss");
    this.#endRuns();
    fate.begin();
    const kept = this.#unflushed.length === 0 ? 0 : fate.kept(this.#unflushed.length);
    this.struck.add("lost-batch", this.#unflushed.length - kept);
    for (const batch of this.#unflushed.slice(0, kept)) apply(this.#flushed, batch);
    this.#unflushed = [];
    this.#current = new SortedTable();
    apply(this.#current, this.#flushed.sorted());
  }

  /** A store in the same state, unflushed batches included; nobody has opened it. */
  fork(options: SimulatedKeyValueOptions): SimulatedKeyValue {
    const twin = new SimulatedKeyValue({ capacityBytes: this.capacityBytes, ...options });
    apply(twin.#current, this.#current.sorted());
    apply(twin.#flushed, this.#flushed.sorted());
    twin.#unflushed = [...this.#unflushed];
    return twin;
  }

  /** The next write fails, with nothing of it done. */
  failNextWrite(kind: DiskErrorKind = "io"): void {
    this.#writeFailure = kind;
  }

  /** The next flush fails; so does everything after it until a restart (S11), and what it covered is not durable. */
  failNextFlush(): void {
    this.#flushFailure = true;
  }

  /** Failures that were asked for and have not struck yet never will. */
  clearFaults(): void {
    this.#writeFailure = undefined;
    this.#flushFailure = false;
  }

  /** Flips a bit in the stored value (S12). */
  rot(key: Uint8Array, bit?: number): void {
    const value = present(this.#current.find(key)?.value, "value to rot");
    assert(value.length > 0, "an empty value cannot rot");
    const place = bit ?? uniform(this.#random, 8 * value.length);
    value[place >>> 3] = (value[place >>> 3] ?? 0) ^ (1 << (place & 7));
    this.struck.add("rot");
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#own.get(key);
  }

  peek(key: Uint8Array): Uint8Array | undefined {
    return this.#own.peek(key);
  }

  range(range: KeyRange): Iterable<KeyValuePair> {
    return this.#own.range(range);
  }

  openSnapshot(): KeyValueSnapshot {
    return this.#own.openSnapshot();
  }

  write(batch: readonly Mutation[]): Promise<void> {
    return this.#own.write(batch);
  }

  flush(): Promise<void> {
    return this.#own.flush();
  }

  close(): Promise<void> {
    return this.#own.close();
  }

  #get(run: Run, key: Uint8Array): Uint8Array | undefined {
    enter(run);
    checkKey(key);
    return copied(this.#current.find(key)?.value);
  }

  /** Whoever keeps what was peeked at finds other bytes there after the next peek. */
  #peek(run: Run, key: Uint8Array): Uint8Array | undefined {
    run.peeked?.fill(0xff);
    run.peeked = this.#get(run, key);
    return run.peeked;
  }

  #range(run: Run, range: KeyRange): Iterable<KeyValuePair> {
    return copies(() => {
      enter(run);
      return this.#current;
    }, range);
  }

  #openSnapshot(run: Run): KeyValueSnapshot {
    enter(run);
    const frozen = new SortedTable();
    apply(frozen, this.#current.sorted());
    let isClosed = false;
    const opened = (): SortedTable => {
      enter(run);
      if (isClosed) throw new DiskError("io", "", "the snapshot is closed");
      return frozen;
    };
    return {
      range: (range) => copies(opened, range),
      close: () => {
        isClosed = true;
      },
    };
  }

  async #write(run: Run, batch: readonly Mutation[]): Promise<void> {
    enter(run);
    for (const { key } of batch) checkKey(key);
    if (this.#broken) throw broken();
    const failure = this.#writeFailure;
    this.#writeFailure = undefined;
    if (failure !== undefined) {
      this.struck.add("failed-write");
      throw new DiskError(failure, "", "injected: write failed");
    }
    this.#checkSpace(batch);
    const copies = batch.map(({ key, value }) => ({ key: new Uint8Array(key), value: copied(value) }));
    await this.#later(run, () => {
      apply(this.#current, copies);
      this.#unflushed.push(copies);
    });
  }

  async #flush(run: Run): Promise<void> {
    enter(run);
    if (this.#broken) throw broken();
    // Counted from the beginning: another flush may complete meanwhile.
    const visible = this.#batchesFlushed + this.#unflushed.length;
    const fails = this.#flushFailure;
    this.#flushFailure = false;
    await this.#later(run, () => {
      if (fails) this.struck.add("failed-flush");
      if (fails) this.#broken = true;
      if (this.#broken) throw broken();
      const due = this.#unflushed.splice(0, Math.max(0, visible - this.#batchesFlushed));
      this.#batchesFlushed += due.length;
      for (const batch of due) apply(this.#flushed, batch);
    });
  }

  /** Completes a call after the store's latency and after the calls before it; never, when its process died. */
  #later(run: Run, finish: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const complete = (): void => {
        if (run.dead) return;
        try {
          finish();
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      const { min, max } = this.#latencyMs;
      if (this.#simulation === undefined || max === 0) return queueMicrotask(complete);
      const delayMs = min + (max - min) * (this.#random.uint32() / 2 ** 32);
      this.#busyUntilMs = Math.max(this.#busyUntilMs, this.#simulation.nowMs + delayMs);
      this.#simulation.after(this.#busyUntilMs - this.#simulation.nowMs, complete);
    });
  }

  #endRuns(): void {
    for (const run of this.#runs) run.dead = true;
    this.#runs = [];
    this.#busyUntilMs = 0;
    this.#broken = false;
    this.#own = this.mount();
  }

  #checkSpace(batch: readonly Mutation[]): void {
    let bytes = this.#current.bytes;
    for (const { key, value } of batch) if (value !== undefined) bytes += key.length + value.length;
    if (bytes > this.capacityBytes)
      throw new DiskError("no-space", "", "no space left in the key-value store");
  }
}

function* copies(table: () => SortedTable, range: KeyRange): Iterable<KeyValuePair> {
  let left = range.limit ?? Number.POSITIVE_INFINITY;
  for (const { key, value } of table().range(range)) {
    if (value === undefined) continue;
    if (left-- <= 0) return;
    yield { key: new Uint8Array(key), value: new Uint8Array(value) };
  }
}

function enter(run: Run): void {
  if (run.dead) throw new DiskError("io", "", "the process that opened this store is dead");
  if (run.closed) throw new DiskError("io", "", "the key-value store is closed");
}

function broken(): DiskError {
  return new DiskError("io", "", "an earlier flush failed: nothing after it can be trusted");
}

function apply(table: SortedTable, batch: readonly Mutation[]): void {
  for (const { key, value } of batch) table.set(key, value);
}

function copied(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}
