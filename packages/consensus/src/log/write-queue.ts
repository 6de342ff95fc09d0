/**
 * From the log in memory to the log on disk: gathers what is to be written, numbers the writes, and knows what is
 * durable. Replies that depend on durability wait here for the write that makes them true.
 *
 * A write that is reported durable proves its entries only as far as they have not been replaced meanwhile: marks of
 * writes in flight are cut together with the log (the ABA case: entries 5, 6 of ballot 1 in flight, replaced by 5 of
 * ballot 2; the first write's end says nothing about the new entry 5).
 */

import type { LogIndex } from "@holdfast/base";
import { assert, logIndex } from "@holdfast/base";
import type { Envelope, SnapshotPosition, StorageWrite } from "../contract/consensus.ts";
import type { Entry } from "../contract/entry.ts";
import type { LogWindow } from "./log-window.ts";

interface InFlight {
  readonly sequence: number;
  /** Durable up to here once this write is, as far as the log still holds what was written. */
  through: LogIndex;
}

const noEntries: readonly Entry[] = [];

export class WriteQueue<Message extends Envelope> {
  readonly #log: LogWindow;
  readonly #inFlight: InFlight[] = [];
  #sequence = 0;
  #durableIndex: LogIndex;
  /** The first entry that no write has taken yet. */
  #next: LogIndex;
  #hardState: Uint8Array | undefined;
  /** Sequence of the write that took the latest hard state; 0 when it is older than this object. */
  #hardStateSequence = 0;
  #base: SnapshotPosition | undefined;
  /** Sequence of the write that took the latest snapshot; 0 when there was none. */
  #baseSequence = 0;
  #replies: Message[] = [];

  constructor(log: LogWindow) {
    this.#log = log;
    this.#durableIndex = log.lastIndex;
    this.#next = logIndex(log.lastIndex + 1);
  }

  /** The last entry that is durable. */
  get durableIndex(): LogIndex {
    return this.#durableIndex;
  }

  /** The latest hard state is durable. */
  get hardStateIsDurable(): boolean {
    return this.#hardState === undefined && this.#isWritten(this.#hardStateSequence);
  }

  /** The latest snapshot is durable: the log on disk begins where the one in memory does. */
  get baseIsDurable(): boolean {
    return this.#base === undefined && this.#isWritten(this.#baseSequence);
  }

  setHardState(hardState: Uint8Array): void {
    this.#hardState = hardState;
  }

  /** To be called before the log is cut from here on, or before an entry here is replaced: the rest is written again. */
  truncate(from: LogIndex): void {
    const last = logIndex(from - 1);
    if (this.#durableIndex > last) this.#durableIndex = last;
    if (this.#next > from) this.#next = from;
    for (const write of this.#inFlight) if (write.through > last) write.through = last;
  }

  /** The log was reset to this snapshot. What is in flight belongs to the log before. */
  reset(base: SnapshotPosition): void {
    this.truncate(logIndex(1));
    this.#base = base;
    this.#next = logIndex(base.index + 1);
  }

  /** Leaves with the next write; call it after the change that it depends on. */
  replyWhenDurable(message: Message): void {
    this.#replies.push(message);
  }

  /** Everything so far is durable: a reply needs to wait for nothing. */
  get isIdle(): boolean {
    return (
      this.#inFlight.length === 0 &&
      this.#next > this.#log.lastIndex &&
      this.#hardState === undefined &&
      this.#base === undefined
    );
  }

  /** The next write, or undefined when there is nothing to write and nothing waits for what is in flight. */
  take(): StorageWrite<Message> | undefined {
    const { lastIndex } = this.#log;
    const hasEntries = this.#next <= lastIndex;
    if (
      !hasEntries &&
      this.#hardState === undefined &&
      this.#base === undefined &&
      this.#replies.length === 0
    )
      return undefined;
    const sequence = ++this.#sequence;
    const entries = hasEntries ? this.#log.slice(this.#next, lastIndex, Number.POSITIVE_INFINITY) : noEntries;
    if (this.#hardState !== undefined) this.#hardStateSequence = sequence;
    if (this.#base !== undefined) this.#baseSequence = sequence;
    const write = { sequence, hardState: this.#hardState, base: this.#base, entries, replies: this.#replies };
    this.#inFlight.push({ sequence, through: lastIndex });
    this.#next = logIndex(lastIndex + 1);
    this.#hardState = undefined;
    this.#base = undefined;
    this.#replies = [];
    return write;
  }

  #isWritten(sequence: number): boolean {
    const oldest = this.#inFlight[0];
    return oldest === undefined || oldest.sequence > sequence;
  }

  /** All writes up to this one are durable. */
  written(sequence: number): void {
    assert(sequence <= this.#sequence, `write ${sequence} reported, ${this.#sequence} handed out`);
    for (let write = this.#inFlight[0]; write !== undefined; write = this.#inFlight[0]) {
      if (write.sequence > sequence) return;
      if (write.through > this.#durableIndex) this.#durableIndex = write.through;
      this.#inFlight.shift();
    }
  }
}
