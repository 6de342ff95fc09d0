/**
 * What one replica has on disk: hard state, log, the flushed state; and writes that are on their way there. A crash
 * keeps a prefix of those: the log writes batches in order and cuts a torn one.
 */

import type { Ballot, LogIndex, Random } from "@holdfast/base";
import { ballot, logIndex, uniform } from "@holdfast/base";
import type {
  Entry,
  Envelope,
  Fetch,
  Fetched,
  LogPosition,
  Membership,
  Restored,
  StorageWrite,
} from "@holdfast/consensus";
import { violated } from "../model/violation.ts";
import type { MachineSnapshot } from "./group-machine.ts";

/** The state machine's state as it was flushed. */
export interface FlushedState {
  readonly index: LogIndex;
  readonly ballot: Ballot;
  readonly membership: Membership;
  readonly machine: MachineSnapshot;
}

interface InFlight<Message extends Envelope> {
  readonly write: StorageWrite<Message>;
  readonly dueAt: number;
}

export class ReplicaDisk<Message extends Envelope> {
  #hardState: Uint8Array | undefined;
  /** The place before the first entry. */
  #base: LogPosition = { index: logIndex(0), ballot: ballot(0) };
  #entries: Entry[] = [];
  #state: FlushedState;
  /** Snapshots that were received whole, by their index; one becomes the state with its write. */
  #staged = new Map<number, FlushedState>();
  #inFlight: InFlight<Message>[] = [];
  #lost: LogPosition | undefined;

  constructor(membership: Membership, machine: MachineSnapshot) {
    this.#state = { index: logIndex(0), ballot: ballot(0), membership, machine };
  }

  get hardState(): Uint8Array | undefined {
    return this.#hardState;
  }

  get state(): FlushedState {
    return this.#state;
  }

  get isWriting(): boolean {
    return this.#inFlight.length > 0;
  }

  get lost(): LogPosition | undefined {
    return this.#lost;
  }

  /** The place of the last durable entry. */
  get last(): LogPosition {
    return this.#entries.at(-1) ?? this.#base;
  }

  ballotAt(index: number): Ballot | undefined {
    if (index === this.#base.index) return this.#base.ballot;
    return this.#entries[index - this.#base.index - 1]?.ballot;
  }

  /** Durable, or to be so. */
  entriesUnderWay(index: number): readonly Entry[] {
    const written = this.#inFlight.flatMap(({ write }) => write.entries);
    return [...this.entriesBehind(index), ...written.filter((entry) => entry.index > index)];
  }

  entriesBehind(index: number): readonly Entry[] {
    return this.#entries.slice(Math.max(0, index - this.#base.index));
  }

  submit(write: StorageWrite<Message>, dueAt: number): void {
    const before = this.#inFlight.at(-1)?.dueAt ?? 0;
    this.#inFlight.push({ write, dueAt: Math.max(dueAt, before) });
  }

  /** The next write that is durable by now. */
  complete(now: number): StorageWrite<Message> | undefined {
    const next = this.#inFlight[0];
    if (next === undefined || next.dueAt > now) return undefined;
    this.#inFlight.shift();
    this.#store(next.write);
    return next.write;
  }

  /** Power is lost: what was in flight is there up to some write and then not. Tells of each that survived, as it is stored. */
  crash(random: Random, onStored: (write: StorageWrite<Message>) => void): void {
    const survivors = this.#inFlight.slice(0, uniform(random, this.#inFlight.length + 1));
    for (const { write } of survivors) {
      this.#store(write);
      onStored(write);
    }
    this.#inFlight = [];
    this.#staged = new Map();
  }

  /** Bits rot under a good header: recovery knows what is missing and ends the log before it (S10). */
  rot(random: Random): boolean {
    const first = Math.max(this.#state.index, this.#base.index) - this.#base.index;
    const candidates = this.#entries.length - first;
    if (candidates <= 0 || this.#lost !== undefined) return false;
    const { index, ballot: lostBallot } = this.last;
    this.#lost = { index, ballot: lostBallot };
    this.#entries.length = first + uniform(random, candidates);
    return true;
  }

  settle(): void {
    this.#lost = undefined;
  }

  flush(state: FlushedState, retainedEntries: number): void {
    this.#state = state;
    const count = Math.min(this.#entries.length, state.index - this.#base.index - retainedEntries);
    const last = this.#entries[count - 1];
    if (last === undefined) return;
    this.#base = { index: last.index, ballot: last.ballot };
    this.#entries.splice(0, count);
  }

  stage(snapshot: FlushedState): void {
    this.#staged.set(snapshot.index, snapshot);
  }

  restore(): Restored {
    const { index, ballot: stateBallot, membership } = this.#state;
    return {
      hardState: this.#hardState,
      applied: { index, ballot: stateBallot, membership },
      entries: this.#entries.slice(Math.max(0, index - this.#base.index)),
      lost: this.#lost,
    };
  }

  /** For a replica that lags. A few at a time. */
  fetch({ to, from, through, bytesMax }: Fetch): Fetched {
    const start = from - this.#base.index - 1;
    if (start < 0 || start >= this.#entries.length) return { kind: "compacted", to };
    const before = this.#entries[start - 1] ?? this.#base;
    const previous = { index: before.index, ballot: before.ballot };
    const count = Math.min(through - from + 1, 1 + (bytesMax % 7));
    return { kind: "entries", to, previous, entries: this.#entries.slice(start, start + count) };
  }

  #store({ hardState, base, entries }: StorageWrite<Message>): void {
    if (hardState !== undefined) this.#hardState = hardState;
    if (base !== undefined) {
      const staged = this.#staged.get(base.index);
      if (staged === undefined) throw new RangeError(`no snapshot at ${base.index} was received`);
      // Raft, figure 13, step 6: what follows was perhaps acknowledged.
      const agrees = this.ballotAt(base.index) === base.ballot;
      if (agrees && this.last.index > base.index + entries.length)
        violated(`a snapshot at ${base.index} replaces a log that agrees and goes on to ${this.last.index}`);
      this.#state = staged;
      for (const index of this.#staged.keys()) if (index <= base.index) this.#staged.delete(index);
      this.#base = { index: base.index, ballot: base.ballot };
      this.#entries = [];
    }
    const first = entries[0];
    if (first === undefined) return;
    const start = first.index - this.#base.index - 1;
    if (start < 0 || start > this.#entries.length) throw new RangeError(`entry ${first.index} leaves a gap`);
    this.#entries.length = start;
    this.#entries.push(...entries);
  }
}
