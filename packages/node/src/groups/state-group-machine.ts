/** A replica's state machine over a group's state in the node's state store: what the group host drives. */

import type { SnapshotPosition } from "@holdfast/consensus";
import { decodeMembership, emptyMembership, encodeMembership } from "@holdfast/consensus";
import type { GroupMachine, MachineSnapshot, StagedState } from "@holdfast/groups";
import type { CommittedEntry, StateMachine } from "@holdfast/ports";
import type { GroupState, StagedGroupState, StatePosition } from "@holdfast/state";
import { DigestHistory } from "../state-reload/digest-history.ts";
import type { DigestAt } from "../state-reload/state-wire.ts";
import { whileThereIsRoom } from "./while-there-is-room.ts";

export class StateGroupMachine<Result> implements GroupMachine<Result> {
  readonly #state: GroupState;
  readonly #machine: StateMachine<Result>;
  readonly #hasRoom: (bytes: number) => Promise<boolean>;
  /** The applied position as it was read or told last, so that no entry decodes or encodes a membership. */
  #known: { readonly stored: StatePosition; readonly position: SnapshotPosition };
  readonly #digests: DigestHistory;
  #encoded: { readonly membership: SnapshotPosition["membership"]; readonly bytes: Uint8Array };

  /** `hasRoom`: whether the disk may take so many bytes more for a snapshot on its way in (S12). */
  constructor(
    state: GroupState,
    machine: StateMachine<Result>,
    hasRoom: (bytes: number) => Promise<boolean>,
  ) {
    this.#state = state;
    this.#machine = machine;
    this.#hasRoom = hasRoom;
    this.#digests = new DigestHistory(state);
    this.#known = read(state.applied);
    const { membership } = this.#known.position;
    this.#encoded = { membership, bytes: state.applied.membership };
  }

  get applied(): SnapshotPosition {
    const { applied } = this.#state;
    // Another one than was told: a snapshot has become the state.
    if (this.#known.stored !== applied) {
      this.#known = read(applied);
      this.#digests.clear();
    }
    return this.#known.position;
  }

  /** Of the state now and at some earlier places. */
  get digests(): readonly DigestAt[] {
    return this.#digests.all;
  }

  get staged(): StagedState | undefined {
    const { staged } = this.#state;
    return staged === undefined ? undefined : stagedState(staged);
  }

  apply(entry: CommittedEntry): Result {
    return this.#machine.apply(entry);
  }

  advance(position: SnapshotPosition): void {
    const { index, ballot, membership } = position;
    if (membership !== this.#encoded.membership)
      this.#encoded = { membership, bytes: encodeMembership(membership) };
    const stored = { index, ballot, membership: this.#encoded.bytes };
    this.#state.advance(stored);
    this.#known = { stored, position };
    this.#digests.onApplied();
  }

  async snapshot(): Promise<MachineSnapshot> {
    const snapshot = await this.#state.snapshot();
    return {
      position: read(snapshot.position).position,
      body: snapshot.body,
      close: () => snapshot.close(),
    };
  }

  async stage(position: SnapshotPosition, body: AsyncIterable<Uint8Array>): Promise<StagedState> {
    const { index, ballot, membership } = position;
    const stored = { index, ballot, membership: encodeMembership(membership) };
    return stagedState(await this.#state.stage(stored, whileThereIsRoom(body, this.#hasRoom)));
  }
}

function read(stored: StatePosition): {
  readonly stored: StatePosition;
  readonly position: SnapshotPosition;
} {
  const { index, ballot, membership } = stored;
  // Before the first entry there is none.
  const known = membership.length === 0 ? emptyMembership : decodeMembership(membership);
  return { stored, position: { index, ballot, membership: known } };
}

function stagedState(staged: StagedGroupState): StagedState {
  return {
    position: read(staged.position).position,
    install: () => staged.install(),
    discard: () => staged.discard(),
  };
}
