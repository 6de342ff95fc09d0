import { ballot, decode, encode, logIndex } from "@holdfast/base";
import { replicaId } from "../src/contract/replica-id.ts";
import type { AcceptanceStep } from "../src/multipaxos/acceptances.ts";
import type { MultiPaxosHardState } from "../src/multipaxos/hard-state.ts";
import { multiPaxosHardStateCodec } from "../src/multipaxos/hard-state.ts";
import type { MultiPaxosMessage } from "../src/multipaxos/messages.ts";
import { multiPaxosProtocol } from "../src/protocols.ts";
import { canvassReply, promise } from "./multipaxos-message.ts";
import type { BenchOptions } from "./replica-bench.ts";
import { ReplicaBench } from "./replica-bench.ts";

export interface MultiPaxosBenchOptions extends BenchOptions {
  /** At least that of the log's last entry. */
  readonly promised?: number;
  readonly acceptances?: readonly { readonly through: number; readonly ballot: number }[];
  readonly chosenIndex?: number;
}

/** One Multi-Paxos replica alone. */
export class MultiPaxosBench extends ReplicaBench<MultiPaxosMessage> {
  constructor(options: MultiPaxosBenchOptions = {}) {
    const { log = [], acceptances = [], chosenIndex = 0 } = options;
    const steps: readonly AcceptanceStep[] = acceptances.map(({ through, ballot: of }) => ({
      through: logIndex(through),
      ballot: ballot(of),
    }));
    const hardState = encode(multiPaxosHardStateCodec, {
      promised: ballot(options.promised ?? Math.max(0, ...log)),
      acceptances: steps,
      chosenIndex: logIndex(chosenIndex),
    });
    super(multiPaxosProtocol, hardState, options);
  }

  /** What is durable. */
  get durable(): MultiPaxosHardState {
    return decode(multiPaxosHardStateCodec, this.hardState);
  }

  /** Its canvass is granted by these; its promise to itself is durable. Gives what it asks for then. */
  stand(...by: readonly number[]): readonly MultiPaxosMessage[] {
    const { ballot: before } = this.core.status();
    this.core.campaign();
    this.settle();
    for (const from of by) this.core.step(canvassReply(before, 1, true, { from }));
    return this.settle();
  }

  /** Leads after replica 2 has promised, telling of nothing; or alone. */
  lead(): this {
    const { membership } = this.core.status();
    const others = [...membership.voters].filter((id) => id !== this.core.id);
    const helpers = others.slice(0, Math.floor(membership.voters.length / 2)).map(Number);
    this.stand(...helpers);
    const { ballot: of } = this.core.status();
    for (const from of helpers) this.core.step(promise(of, { from }));
    this.pump();
    return this;
  }

  status(): readonly [role: string, ballot: number, leader: number | undefined] {
    const { role, ballot: of, leader } = this.core.status();
    return [role, of, leader];
  }

  transfer(to: number): void {
    this.core.transferLeader(replicaId(to));
  }
}
