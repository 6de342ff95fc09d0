import { ballot, encode } from "@holdfast/base";
import { replicaId } from "../src/contract/replica-id.ts";
import { raftProtocol } from "../src/protocols.ts";
import { raftHardStateCodec } from "../src/raft/hard-state.ts";
import type { RaftMessage } from "../src/raft/messages.ts";
import type { BenchOptions } from "./replica-bench.ts";
import { ReplicaBench } from "./replica-bench.ts";

export interface RaftBenchOptions extends BenchOptions {
  /** At least that of the log's last entry. */
  readonly ballot?: number;
  readonly votedFor?: number;
}

/** One Raft replica alone. */
export class RaftBench extends ReplicaBench<RaftMessage> {
  constructor(options: RaftBenchOptions = {}) {
    const { log = [], votedFor } = options;
    const hardState = encode(raftHardStateCodec, {
      ballot: ballot(options.ballot ?? log.at(-1) ?? 0),
      votedFor: votedFor === undefined ? undefined : replicaId(votedFor),
    });
    super(raftProtocol, hardState, options);
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
}
