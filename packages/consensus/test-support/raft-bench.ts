/** One Raft replica alone, told everything directly; its disk does what `settle` says. */

import type { Random } from "@holdfast/base";
import { ballot, encode, logIndex, present, seededRandom, utf8 } from "@holdfast/base";
import type {
  Consensus,
  ConsensusLimits,
  InvalidMessage,
  ReadState,
  Ready,
  StorageWrite,
} from "../src/contract/consensus.ts";
import { defaultConsensusLimits } from "../src/contract/consensus.ts";
import type { Entry } from "../src/contract/entry.ts";
import type { Membership } from "../src/contract/membership.ts";
import { encodeMembership } from "../src/contract/membership.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import { raftHardStateCodec } from "../src/raft/hard-state.ts";
import type { RaftMessage } from "../src/raft/messages.ts";
import { createRaft } from "../src/raft/raft.ts";

export interface BenchOptions {
  readonly id?: number;
  readonly voters?: readonly number[];
  readonly learners?: readonly number[];
  /** The log: each entry's ballot, from index 1 on. */
  readonly log?: readonly number[];
  /** The log, when ballots are not enough. */
  readonly entries?: readonly Entry[];
  /** At least that of the log's last entry. */
  readonly ballot?: number;
  readonly votedFor?: number;
  readonly lost?: { readonly index: number; readonly ballot: number };
  readonly limits?: Partial<ConsensusLimits>;
  readonly random?: Random;
}

export class RaftBench {
  readonly core: Consensus<RaftMessage>;
  /** The last one that is durable. */
  hardState: Uint8Array;
  /** Reads that were answered, and entries that were handed out to be applied, since the construction. */
  readonly reads: ReadState[] = [];
  readonly applied: Entry[] = [];
  readonly fetches: Ready<RaftMessage>["fetches"][number][] = [];
  #writes: StorageWrite<RaftMessage>[] = [];

  constructor(options: BenchOptions = {}) {
    const { log = [], lost } = options;
    const entries = options.entries ?? log.map((of, i) => command(i + 1, of));
    this.hardState = encode(raftHardStateCodec, {
      ballot: ballot(options.ballot ?? log.at(-1) ?? 0),
      votedFor: options.votedFor === undefined ? undefined : replicaId(options.votedFor),
    });
    this.core = createRaft({
      id: replicaId(options.id ?? 1),
      random: options.random ?? seededRandom(1),
      restored: {
        hardState: this.hardState,
        applied: {
          index: logIndex(0),
          ballot: ballot(0),
          membership: membership(options.voters ?? [1, 2, 3], options.learners),
        },
        entries,
        lost: lost && { index: logIndex(lost.index), ballot: ballot(lost.ballot) },
      },
      limits: { ...defaultConsensusLimits, ...options.limits },
    });
  }

  /** Steps, and gives what leaves before anything more is durable. */
  step(message: RaftMessage): readonly RaftMessage[] {
    const refusal = this.core.step(message);
    if (refusal !== undefined) throw new Error(`refused: ${refusal.problem}`);
    return this.pump();
  }

  refusalOf(message: RaftMessage): InvalidMessage | undefined {
    return this.core.step(message);
  }

  tick(times: number): readonly RaftMessage[] {
    const sent: RaftMessage[] = [];
    for (let i = 0; i < times; i++) {
      this.core.tick();
      sent.push(...this.pump());
    }
    return sent;
  }

  /** Looks at what there is to do. Writes stay in flight; what may be applied is applied. */
  pump(): readonly RaftMessage[] {
    const sent: RaftMessage[] = [];
    for (let ready = this.core.ready(); ready !== undefined; ready = this.core.ready()) {
      sent.push(...ready.messages);
      if (ready.write !== undefined) this.#writes.push(ready.write);
      this.reads.push(...ready.reads);
      this.fetches.push(...ready.fetches);
      this.applied.push(...ready.committed);
      const last = ready.committed.at(-1);
      if (last !== undefined) this.core.advance({ applied: last.index });
      this.core.checkInvariants();
    }
    return sent;
  }

  /** The writes in flight become durable, those that follow from that too. Gives what leaves. */
  settle(): readonly RaftMessage[] {
    const sent = [...this.pump()];
    while (this.#writes.length > 0) sent.push(...this.endWrite());
    return sent;
  }

  /** The oldest write in flight becomes durable. */
  endWrite(): readonly RaftMessage[] {
    const {
      sequence: written,
      hardState,
      base,
      replies,
    } = present(this.#writes.shift(), "a write in flight");
    if (hardState !== undefined) this.hardState = hardState;
    this.core.advance(base === undefined ? { written } : { written, applied: base.index });
    return [...replies, ...this.pump()];
  }

  /** Is elected by 2, or alone. Its own first entry is not acknowledged yet. */
  lead(): this {
    this.core.campaign();
    this.settle();
    const { id, ballot: current } = this.core.status();
    const from = replicaId(id === 2 ? 1 : 2);
    if (this.core.status().role === "pre-candidate") {
      const next = ballot(current + 1);
      this.core.step({ kind: "RequestPreVoteReply", from, to: id, ballot: next, granted: true });
      this.settle();
      this.core.step({ kind: "RequestVoteReply", from, to: id, ballot: next, granted: true });
      this.pump();
    }
    return this;
  }

  get writesInFlight(): number {
    return this.#writes.length;
  }
}

export function command(index: number, of: number, text: string = `${index}-${of}`): Entry {
  return { index: logIndex(index), ballot: ballot(of), kind: "command", payload: utf8(text) };
}

export function membershipEntry(index: number, of: number, value: Membership): Entry {
  return { index: logIndex(index), ballot: ballot(of), kind: "membership", payload: encodeMembership(value) };
}

export function membership(voters: readonly number[], learners: readonly number[] = []): Membership {
  return { voters: voters.map(replicaId), outgoing: [], learners: learners.map(replicaId) };
}
