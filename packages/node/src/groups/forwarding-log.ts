/**
 * A group's log as any node has it, whether a replica of the group is here or not: commands go to the leader, wherever it is,
 * and find it again when it changes. Reads are served by the replica here, behind a barrier that a quorum confirms.
 *
 * A command that was certainly not taken is offered again until its time is up. One of which nobody knows is not: who may ask
 * again is for the caller to say (S15).
 */

import type { Codec, GroupId, LogIndex, NodeId } from "@holdfast/base";
import { DecodeError, decode, encode, limits, logIndex, nodeId, StoreError } from "@holdfast/base";
import type { Group } from "@holdfast/groups";
import type { Appended, Clock, ReplicatedLog } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { Proposals, RemotelyApplied } from "../proposals/proposals.ts";

export interface ForwardingOptions {
  /** This node. */
  readonly self: NodeId;
  readonly proposals: Pick<Proposals, "ask">;
  readonly clock: Clock;
  /** Where replicas of the group are: asked in turns while no leader is known and none is here. */
  readonly homes: () => readonly NodeId[];
  /** How long a leader is looked for. */
  readonly waitMs?: number;
}

/** Longer than an election takes, shorter than people wait. */
const waitMsDefault = 5000;
const pauseMsMin = 10;
const pauseMsMax = 200;

export class ForwardingLog<Result> implements ReplicatedLog<Result> {
  readonly group: GroupId;
  readonly #codec: Codec<Result>;
  readonly #options: ForwardingOptions;
  #replica: Group<Result> | undefined;
  /** Of those that were asked without knowing. */
  #turn = 0;
  #ended: StoreError | undefined;

  constructor(group: GroupId, codec: Codec<Result>, options: ForwardingOptions) {
    this.group = group;
    this.#codec = codec;
    this.#options = options;
  }

  /** This node's replica, or none. */
  get replica(): Group<Result> | undefined {
    return this.#replica;
  }

  set replica(replica: Group<Result> | undefined) {
    this.#replica = replica;
  }

  get appliedIndex(): LogIndex {
    return this.#replica?.appliedIndex ?? logIndex(0);
  }

  /** Whatever is asked from now on is refused with this; the replica here goes on. */
  end(reason: StoreError): void {
    this.#ended = reason;
  }

  readBarrier(): Promise<void> | undefined {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return this.#replica === undefined ? Promise.reject(this.#notHere()) : this.#replica.readBarrier();
  }

  append(command: Uint8Array): Promise<Appended<Result>> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    // Where another node is known to lead, the replica here would only make an error that says so, which is dear.
    const leader = this.#leaderElsewhere;
    if (leader !== undefined && command.length <= limits.commandBytesMax)
      return this.#search(command, leader);
    return this.#appendHere(command).catch((error: unknown) => {
      if (!isWorthAnother(error)) throw error;
      return this.#search(command, leaderIn(error));
    });
  }

  /** For another node, which looked for the leader and was sent here: not sent on. */
  async appendHere(command: Uint8Array): Promise<RemotelyApplied> {
    const { index, result } = await this.#appendHere(command);
    return { index, result: encode(this.#codec, result) };
  }

  #appendHere(command: Uint8Array): Promise<Appended<Result>> {
    return this.#replica === undefined ? Promise.reject(this.#notHere()) : this.#replica.append(command);
  }

  get #leaderElsewhere(): NodeId | undefined {
    const leader = this.#replica?.leader;
    return leader === undefined || leader.replica === this.#replica?.replica ? undefined : leader.node;
  }

  /** Offers it to the leader that is named, and to whoever is named in turn. */
  async #search(command: Uint8Array, named: NodeId | undefined): Promise<Appended<Result>> {
    const { clock, waitMs = waitMsDefault } = this.#options;
    const endsAtMs = clock.monotonicMs() + waitMs;
    let pauseMs = pauseMsMin;
    for (let leader = named; ; ) {
      try {
        return await this.#offer(command, leader);
      } catch (error) {
        if (!isWorthAnother(error) || clock.monotonicMs() >= endsAtMs) throw error;
        leader = leaderIn(error);
      }
      // A leader that is named at once is asked at once; otherwise one has to be found first.
      if (leader === undefined) {
        await sleep(clock, pauseMs);
        pauseMs = Math.min(2 * pauseMs, pauseMsMax);
      }
    }
  }

  async #offer(command: Uint8Array, leader: NodeId | undefined): Promise<Appended<Result>> {
    const { self, proposals } = this.#options;
    const to = leader ?? (this.#replica === undefined ? this.#nextHome() : self);
    if (to === undefined || to === self) return this.#appendHere(command);
    return this.#decoded(await proposals.ask(to, this.group, command));
  }

  #nextHome(): NodeId | undefined {
    const homes = this.#options.homes().filter((node) => node !== this.#options.self);
    return homes[this.#turn++ % Math.max(1, homes.length)];
  }

  #decoded({ index, result }: RemotelyApplied): Appended<Result> {
    try {
      return { index, result: decode(this.#codec, result) };
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      const message = "The leader's answer cannot be read: it may run a newer program.";
      throw new StoreError("OutcomeUnknown", message, { cause });
    }
  }

  #notHere(): StoreError {
    return new StoreError("Unavailable", `This node has no replica of group ${this.group} yet.`);
  }
}

/** Certainly not applied, for want of a leader. */
function isWorthAnother(error: unknown): error is StoreError {
  return error instanceof StoreError && error.code === "Unavailable" && error.outcome === "not-applied";
}

function leaderIn(error: unknown): NodeId | undefined {
  const name = error instanceof StoreError ? error.fields["leaderNode"] : undefined;
  return typeof name === "string" ? nodeId(name) : undefined;
}
