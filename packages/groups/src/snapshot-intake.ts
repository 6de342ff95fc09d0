/**
 * A snapshot that comes in, one at a time: received whole beside the state, offered to the core, and installed when the
 * write that begins the log anew behind it is durable (restore-replica.ts lists the crash points).
 */

import { assert } from "@holdfast/base";
import type { SnapshotPosition } from "@holdfast/consensus";
import type { GroupMachine, StagedState } from "./group-machine.ts";
import type { SnapshotAnswer } from "./snapshot-head.ts";

export interface IncomingSnapshot {
  readonly position: SnapshotPosition;
  readonly body: AsyncIterable<Uint8Array>;
}

export class SnapshotIntake {
  readonly #machine: GroupMachine<unknown>;
  #isReceiving = false;
  #offered: StagedState | undefined;
  #accepted: StagedState | undefined;
  #isInstalling = false;
  /** What is being done to the machine, or was last. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(machine: GroupMachine<unknown>) {
    this.#machine = machine;
  }

  get isBusy(): boolean {
    return this.#isReceiving || this.#accepted !== undefined;
  }

  /** The state is being replaced. */
  get isInstalling(): boolean {
    return this.#isInstalling;
  }

  /** Without a snapshot when its place is known to be reached. `offer` asks the core, which may accept by `onBase`. */
  receive(snapshot: IncomingSnapshot | undefined, offer: () => SnapshotAnswer): Promise<SnapshotAnswer> {
    assert(!this.isBusy, "one snapshot at a time");
    this.#isReceiving = true;
    const receiving = this.#receive(snapshot, offer);
    this.#work = receiving;
    return receiving;
  }

  /** The core begins its log anew here. */
  onBase(base: SnapshotPosition): void {
    assert(this.#offered?.position.index === base.index, "the snapshot waits beside the state");
    this.#accepted = this.#offered;
    this.#offered = undefined;
  }

  install(): Promise<void> {
    const accepted = this.#accepted;
    assert(accepted !== undefined && !this.#isInstalling, "a snapshot was accepted");
    this.#isInstalling = true;
    const installing = this.#install(accepted);
    this.#work = installing;
    return installing;
  }

  /** Resolves when nothing is being done to the machine. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#work]);
  }

  async #receive(
    snapshot: IncomingSnapshot | undefined,
    offer: () => SnapshotAnswer,
  ): Promise<SnapshotAnswer> {
    try {
      if (snapshot !== undefined) this.#offered = await this.#machine.stage(snapshot.position, snapshot.body);
      const answer = offer();
      const unneeded = this.#offered;
      this.#offered = undefined;
      await unneeded?.discard();
      return answer;
    } finally {
      this.#isReceiving = false;
    }
  }

  async #install(accepted: StagedState): Promise<void> {
    await accepted.install();
    this.#isInstalling = false;
    this.#accepted = undefined;
  }
}
