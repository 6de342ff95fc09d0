/**
 * Read barriers asked for at a replica that does not lead: gathered, asked of the leader in one request, answered
 * together. Those that nobody answers in an election timeout, or whose leader is gone, end without an index.
 */

import type { Ballot, LogIndex, Random } from "@holdfast/base";
import type { ReadState } from "../contract/consensus.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { ReadIndexRequest } from "./read-messages.ts";

/** The replica that asks. */
export interface Asker {
  readonly id: ReplicaId;
  readonly ballot: Ballot;
  readonly leader: ReplicaId | undefined;
  readonly limits: { readonly electionTicks: number };
  readonly reads: ReadState[];
  send(message: ReadIndexRequest): void;
}

interface Batch {
  readonly request: number;
  readonly contexts: readonly number[];
  ticksLeft: number;
}

export class ForwardedReads {
  readonly #asker: Asker;
  /** Not asked yet. */
  #waiting: number[] = [];
  #asked: Batch[] = [];
  #lastRequest: number;

  /** `random`: see `firstRequest`. */
  constructor(asker: Asker, random: Random) {
    this.#asker = asker;
    this.#lastRequest = firstRequest(random);
  }

  add(context: number): void {
    if (this.#asker.leader === undefined) this.#asker.reads.push({ context, index: undefined });
    else this.#waiting.push(context);
  }

  /** Asks for what came since the last call. */
  flush(): void {
    const { id, leader, ballot, limits } = this.#asker;
    if (this.#waiting.length === 0 || leader === undefined) return;
    const request = ++this.#lastRequest;
    this.#asked.push({ request, contexts: this.#waiting, ticksLeft: limits.electionTicks });
    this.#waiting = [];
    this.#asker.send({ kind: "ReadIndexRequest", from: id, to: leader, ballot, request });
  }

  answer(request: number, index: LogIndex): void {
    const batch = this.#asked.find((asked) => asked.request === request);
    if (batch === undefined) return;
    this.#asked = this.#asked.filter((asked) => asked !== batch);
    this.#end(batch.contexts, index);
  }

  tick(): void {
    if (this.#asked.length === 0) return;
    for (const batch of this.#asked) batch.ticksLeft--;
    const late = this.#asked.filter(({ ticksLeft }) => ticksLeft <= 0);
    this.#asked = this.#asked.filter(({ ticksLeft }) => ticksLeft > 0);
    for (const { contexts } of late) this.#end(contexts, undefined);
  }

  abandon(): void {
    for (const { contexts } of this.#asked) this.#end(contexts, undefined);
    this.#end(this.#waiting, undefined);
    this.#asked = [];
    this.#waiting = [];
  }

  #end(contexts: readonly number[], index: LogIndex | undefined): void {
    for (const context of contexts) this.#asker.reads.push({ context, index });
  }
}

/**
 * Requests are numbered from a place of this run's own, far from those of others: an answer to a replica that has
 * restarted meanwhile may arrive late, and its index is too old for what is asked now.
 */
function firstRequest(random: Random): number {
  return random.uint32() * 2 ** 17;
}
