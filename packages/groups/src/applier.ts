/** Committed entries on their way through the state machine, in order, each once; and the membership they lead to. */

import type { LogIndex } from "@holdfast/base";
import type { Entry, SnapshotPosition } from "@holdfast/consensus";
import { decodeMembership, entryBytes } from "@holdfast/consensus";
import type { Budget } from "./budget.ts";
import type { GroupMachine } from "./group-machine.ts";

export class Applier<Result> {
  readonly #machine: GroupMachine<Result>;
  /** Undefined for an entry that is no command. */
  readonly #onApplied: (entry: Entry, made: { readonly result: Result } | undefined) => void;
  #membership: SnapshotPosition["membership"];
  #queue: readonly Entry[] = [];
  #next = 0;

  constructor(
    machine: GroupMachine<Result>,
    membership: SnapshotPosition["membership"],
    onApplied: (entry: Entry, made: { readonly result: Result } | undefined) => void,
  ) {
    this.#machine = machine;
    this.#membership = membership;
    this.#onApplied = onApplied;
  }

  get index(): LogIndex {
    return this.#machine.applied.index;
  }

  get isEmpty(): boolean {
    return this.#next >= this.#queue.length;
  }

  /** No more come before these are applied. */
  add(entries: readonly Entry[]): void {
    this.#queue = entries;
    this.#next = 0;
  }

  /** The state is being replaced: what it would have shown, the new one shows. */
  clear(): void {
    this.#queue = [];
    this.#next = 0;
  }

  onInstalled(): void {
    this.#membership = this.#machine.applied.membership;
  }

  /** Throws what the state machine throws; then nothing may follow. */
  apply(budget: Budget): void {
    for (let entry = this.#queue[this.#next]; entry !== undefined && !budget.isSpent; ) {
      this.#applyOne(entry);
      budget.spend(entryBytes(entry));
      entry = this.#queue[++this.#next];
    }
    if (this.isEmpty) this.clear();
  }

  #applyOne(entry: Entry): void {
    const { index, ballot, kind, payload } = entry;
    const made =
      kind === "command" ? { result: this.#machine.apply({ index, command: payload }) } : undefined;
    if (kind === "membership") this.#membership = decodeMembership(payload);
    this.#machine.advance({ index, ballot, membership: this.#membership });
    this.#onApplied(entry, made);
  }
}
