/** One replica alone, told everything directly; its disk does what `settle` says. */

import type { Random } from "@holdfast/base";
import { ballot, logIndex, present, seededRandom } from "@holdfast/base";
import type {
  Consensus,
  ConsensusLimits,
  Envelope,
  InvalidMessage,
  ReadState,
  Ready,
  StorageWrite,
} from "../src/contract/consensus.ts";
import { defaultConsensusLimits } from "../src/contract/consensus.ts";
import type { Entry } from "../src/contract/entry.ts";
import { replicaId } from "../src/contract/replica-id.ts";
import type { ConsensusProtocol } from "../src/protocols.ts";
import { command, membership } from "./entries.ts";

export interface BenchOptions {
  readonly id?: number;
  readonly voters?: readonly number[];
  readonly learners?: readonly number[];
  /** The log: each entry's ballot, from index 1 on. */
  readonly log?: readonly number[];
  /** The log, when ballots are not enough. */
  readonly entries?: readonly Entry[];
  readonly lost?: { readonly index: number; readonly ballot: number };
  readonly limits?: Partial<ConsensusLimits>;
  readonly random?: Random;
}

export class ReplicaBench<Message extends Envelope> {
  readonly core: Consensus<Message>;
  /** The last one that is durable. */
  hardState: Uint8Array;
  /** Reads that were answered, and entries that were handed out to be applied, since the construction. */
  readonly reads: ReadState[] = [];
  readonly applied: Entry[] = [];
  readonly fetches: Ready<Message>["fetches"][number][] = [];
  readonly snapshots: Ready<Message>["snapshots"][number][] = [];
  #writes: StorageWrite<Message>[] = [];

  constructor(protocol: ConsensusProtocol<Message>, hardState: Uint8Array, options: BenchOptions) {
    const { log = [], lost } = options;
    const entries = options.entries ?? log.map((of, i) => command(i + 1, of));
    this.hardState = hardState;
    this.core = protocol.create({
      id: replicaId(options.id ?? 1),
      random: options.random ?? seededRandom(1),
      restored: {
        hardState,
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
  step(message: Message): readonly Message[] {
    const refusal = this.core.step(message);
    if (refusal !== undefined) throw new Error(`refused: ${refusal.problem}`);
    return this.pump();
  }

  refusalOf(message: Message): InvalidMessage | undefined {
    return this.core.step(message);
  }

  tick(times: number): readonly Message[] {
    const sent: Message[] = [];
    for (let i = 0; i < times; i++) {
      this.core.tick();
      sent.push(...this.pump());
    }
    return sent;
  }

  /** Looks at what there is to do. Writes stay in flight; what may be applied is applied. */
  pump(): readonly Message[] {
    const sent: Message[] = [];
    for (let ready = this.core.ready(); ready !== undefined; ready = this.core.ready()) {
      sent.push(...ready.messages);
      if (ready.write !== undefined) this.#writes.push(ready.write);
      this.reads.push(...ready.reads);
      this.fetches.push(...ready.fetches);
      this.snapshots.push(...ready.snapshots);
      this.applied.push(...ready.committed);
      const last = ready.committed.at(-1);
      if (last !== undefined) this.core.advance({ applied: last.index });
      this.core.checkInvariants();
    }
    return sent;
  }

  /** The writes in flight become durable, those that follow from that too. Gives what leaves. */
  settle(): readonly Message[] {
    const sent = [...this.pump()];
    while (this.#writes.length > 0) sent.push(...this.endWrite());
    return sent;
  }

  /** The oldest write in flight becomes durable. */
  endWrite(): readonly Message[] {
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

  get writesInFlight(): number {
    return this.#writes.length;
  }
}
