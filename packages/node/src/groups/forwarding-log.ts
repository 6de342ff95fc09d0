/**
 * A group's log as any node of the group has it: commands go to the leader, wherever it is, and find it again when it
 * changes. Reads are served here, behind a barrier that a quorum confirms.
 *
 * A command that was certainly not taken is offered again until its time is up. One of which nobody knows is not: who may ask
 * again is for the caller to say (S15).
 */

import type { Codec, GroupId, LogIndex, NodeId } from "@holdfast/base";
import { DecodeError, decode, encode, nodeId, StoreError } from "@holdfast/base";
import type { Group } from "@holdfast/groups";
import type { Appended, Clock, ReplicatedLog } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import type { Proposals, RemotelyApplied } from "../proposals/proposals.ts";

export interface ForwardingOptions {
  /** This node. */
  readonly self: NodeId;
  readonly proposals: Pick<Proposals, "ask">;
  readonly clock: Clock;
  /** How long a leader is looked for. */
  readonly waitMs?: number;
}

/** Longer than an election takes, shorter than people wait. */
const waitMsDefault = 5000;
const pauseMsMin = 10;
const pauseMsMax = 200;

export class ForwardingLog<Result> implements ReplicatedLog<Result> {
  readonly group: GroupId;
  readonly #log: Group<Result>;
  readonly #codec: Codec<Result>;
  readonly #options: ForwardingOptions;

  constructor(log: Group<Result>, codec: Codec<Result>, options: ForwardingOptions) {
    this.group = log.group;
    this.#log = log;
    this.#codec = codec;
    this.#options = options;
  }

  get appliedIndex(): LogIndex {
    return this.#log.appliedIndex;
  }

  readBarrier(): Promise<void> | undefined {
    return this.#log.readBarrier();
  }

  append(command: Uint8Array): Promise<Appended<Result>> {
    return this.#log.append(command).catch((error: unknown) => this.#appendElsewhere(command, error));
  }

  /** For another node, which looked for the leader and was sent here: not sent on. */
  async appendHere(command: Uint8Array): Promise<RemotelyApplied> {
    const { index, result } = await this.#log.append(command);
    return { index, result: encode(this.#codec, result) };
  }

  async #appendElsewhere(command: Uint8Array, refusal: unknown): Promise<Appended<Result>> {
    const { clock, waitMs = waitMsDefault } = this.#options;
    const endsAtMs = clock.monotonicMs() + waitMs;
    let pauseMs = pauseMsMin;
    for (let error = refusal; ; ) {
      if (!isWorthAnother(error)) throw error;
      const leader = leaderIn(error);
      try {
        if (leader === undefined || leader === this.#options.self) return await this.#log.append(command);
        return this.#decoded(await this.#options.proposals.ask(leader, this.group, command));
      } catch (next) {
        error = next;
      }
      if (clock.monotonicMs() >= endsAtMs) throw error;
      // A leader that is named at once is asked at once; otherwise one has to be found first.
      if (isWorthAnother(error) && leaderIn(error) === undefined) {
        await sleep(clock, pauseMs);
        pauseMs = Math.min(2 * pauseMs, pauseMsMax);
      }
    }
  }

  #decoded({ index, result }: RemotelyApplied): Appended<Result> {
    try {
      return { index, result: decode(this.#codec, result) };
    } catch (cause) {
      if (!(cause instanceof DecodeError)) throw cause;
      throw new StoreError(
        "OutcomeUnknown",
        "The leader's answer cannot be read: it may run a newer program.",
        {
          cause,
        },
      );
    }
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
