/**
 * Moves applied state to the key-value store in the background and lets the log drop what it holds no longer:
 *   1. flush the state store: every group is durable there up to the index that flush returns;
 *   2. only then tell the log, which deletes whole segments behind all checkpoints (S9).
 * A crash between 1 and 2 replays a little more than needed, never too little.
 */

import type { GroupId, LogIndex } from "@holdfast/base";
import { MiB } from "@holdfast/base";
import type { Clock, Histogram, Journal, Metrics, Timer } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import type { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";

export interface CheckpointerOptions {
  /** The longest time that applied entries stay in memory alone. */
  readonly intervalMs: number;
  /**
   * Memory at which a flush starts at once. While one runs, as much again may gather; then entries wait for it (`room`),
   * so that a key-value store that is slower than the log bounds the log, and not the memory.
   */
  readonly pendingBytesMax: number;
  readonly metrics: Metrics;
  /** Whether the disk has so much room, or can be given it: a state store that is cut short amid a commit is broken (S12). */
  readonly hasRoom: (bytes: number) => Promise<boolean>;
  /** Called once when the state store can be written no more. */
  readonly onFailure: (cause: unknown) => void;
}

export class Checkpointer {
  readonly #wal: WriteAheadLog;
  readonly #state: StateStore;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #options: CheckpointerOptions;
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  readonly #seconds: Histogram;
  /** What the log had written when the last checkpoint began. */
  #coveredBytes: number;

  constructor(
    wal: WriteAheadLog,
    state: StateStore,
    clock: Clock,
    journal: Journal,
    options: CheckpointerOptions,
  ) {
    this.#wal = wal;
    this.#state = state;
    this.#clock = clock;
    this.#journal = journal;
    this.#options = options;
    this.#coveredBytes = wal.writtenBytes;
    const { metrics } = options;
    this.#seconds = metrics.histogram(allMetrics.checkpointDuration, {});
    metrics.watch(allMetrics.statePendingBytes, {}, () => state.pendingBytes);
    metrics.watch(allMetrics.checkpointLagBytes, {}, () => this.lagBytes);
  }

  /** Written to the log since the last checkpoint began. */
  get lagBytes(): number {
    return this.#wal.writtenBytes - this.#coveredBytes;
  }

  /** To be called after entries were applied. */
  applied(): void {
    if (this.#stopped || this.#running !== undefined) return;
    if (this.#state.pendingBytes >= this.#options.pendingBytesMax) this.#start();
    else this.#timer ??= this.#clock.after(this.#options.intervalMs, () => this.#start());
  }

  /** Undefined when entries may be appended; otherwise resolves when there may be room. */
  get room(): Promise<void> | undefined {
    return this.#state.pendingBytes >= this.#options.pendingBytesMax ? this.#running : undefined;
  }

  /** Everything applied before the call is durable in the state store when it resolves. */
  async checkpoint(): Promise<void> {
    const { writtenBytes } = this.#wal;
    const begunAtMs = this.#clock.monotonicMs();
    const durable = await this.#state.flush();
    this.#seconds.observe((this.#clock.monotonicMs() - begunAtMs) / 1000);
    this.#coveredBytes = writtenBytes;
    for (const [group, index] of durable)
      if (index > 0 && this.#mayReach(group, index)) this.#wal.checkpoint(group, index);
  }

  /**
   * A group without any entry is not in the log yet, one that has left this node is there no longer. One whose log lost its
   * end to rot has it begin anew behind the state when its replica is opened (groups/restore-replica.ts), which may be long
   * after other groups' were: until then the log has nothing at that index.
   */
  #mayReach(group: GroupId, index: LogIndex): boolean {
    const info = this.#wal.group(group);
    if (info === undefined) return false;
    return info.suspicion === undefined || index <= info.lastIndex;
  }

  /** As `checkpoint`, as soon as the one under way has ended; less than that only on a disk that is full. Never rejects. */
  async soon(): Promise<void> {
    await this.#running;
    this.#start();
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  #start(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#stopped || this.#running !== undefined) return;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      if (!(await this.#options.hasRoom(roomFor(this.#state.pendingBytes)))) {
        // The log keeps the entries, and takes no more when its segments are full.
        this.#journal.warn("checkpoint put off: the disk is full", {
          pendingBytes: this.#state.pendingBytes,
        });
        if (!this.#stopped) this.#timer ??= this.#clock.after(this.#options.intervalMs, () => this.#start());
        return;
      }
      await this.checkpoint();
    } catch (cause) {
      this.#stopped = true;
      this.#journal.error("checkpoint failed", { cause: String(cause) });
      this.#options.onFailure(cause);
      return;
    } finally {
      this.#running = undefined;
    }
    if (this.#state.pendingBytes > 0) this.applied();
  }
}

/** A changed value costs the pages on the way to it, again, until the old ones are free: many times its own length. */
function roomFor(pendingBytes: number): number {
  return 16 * pendingBytes + MiB;
}
