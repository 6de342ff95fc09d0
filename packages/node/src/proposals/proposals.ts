/**
 * Commands for groups that another node leads, by way of that node: asked there, in frames, and answered when they are applied
 * there.
 *
 * What is known of a command. "Not applied": the frame certainly did not leave, or the leader says so. "Unknown": the
 * connection ended, or the answer did not come in time. Nothing is asked twice here: who may ask again, with which attempt
 * number, is for the caller to say (S15).
 */

import type { GroupId, LogIndex, NodeId, Random } from "@holdfast/base";
import { DecodeError, StoreError } from "@holdfast/base";
import type { Clock, Exchange, Journal, Network, NetworkReceiver } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import { storeError, wireError } from "../network/wire-error.ts";
import type { Answer, Ask, DecodedFrame, Fate } from "./proposal-frames.ts";
import { decodeProposalFrame, ProposalFrame } from "./proposal-frames.ts";
import { TurnFrames } from "./turn-frames.ts";

/** What the leader made of a command; the result as its group encodes it. */
export interface RemotelyApplied {
  readonly index: LogIndex;
  readonly result: Uint8Array;
}

/** A group that is served on this node. */
export interface ServedGroup {
  /** As the group's own `append`, the result encoded. */
  appendHere(command: Uint8Array): Promise<RemotelyApplied>;
}

export interface ProposalsOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly served: (group: GroupId) => ServedGroup | undefined;
  /** A command whose answer does not come for so long ends as unknown; longer than a group takes to say so itself. */
  readonly answerWaitMs?: number;
}

interface Waiting {
  readonly to: NodeId;
  readonly deadlineMs: number;
  readonly resolve: (applied: RemotelyApplied) => void;
  readonly reject: (error: StoreError) => void;
}

const answerWaitMsDefault = 15_000;
const sweepMs = 500;
/** Commands of one node that wait here for their groups; beyond, they are refused as not applied. */
const askedMax = 10_000;

export class Proposals implements NetworkReceiver {
  readonly #options: ProposalsOptions;
  readonly #run: number;
  /** By id, which is also the order of deadlines. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #asks: TurnFrames<Ask>;
  readonly #answers: TurnFrames<Answer>;
  #lastId = 0;
  #askedHere = 0;
  #isSweepPlanned = false;
  #ended: StoreError | undefined;

  constructor(options: ProposalsOptions) {
    this.#options = options;
    this.#run = options.random.uint32();
    const { network, clock } = options;
    const onUnsent = (asks: readonly Ask[]): void => {
      for (const { id } of asks) this.#end(id, { kind: "failed", error: wireError(unreachable()) });
    };
    this.#asks = new TurnFrames({ network, clock, open: (run) => ProposalFrame.asks(run), onUnsent });
    // The asker learns from the end of the connection that it will not be told.
    this.#answers = new TurnFrames({
      network,
      clock,
      open: (run) => ProposalFrame.answers(run),
      onUnsent: () => undefined,
    });
  }

  /** Rejects with StoreError as the group on that node does; `unknown` where nobody can say. */
  ask(to: NodeId, group: GroupId, command: Uint8Array): Promise<RemotelyApplied> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const { clock, answerWaitMs = answerWaitMsDefault } = this.#options;
    const id = ++this.#lastId;
    const deadlineMs = clock.monotonicMs() + answerWaitMs;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { to, deadlineMs, resolve, reject });
      this.#asks.add(to, this.#run, { id, group, command });
      this.#planSweep();
    });
  }

  onFrame(from: NodeId, bytes: Uint8Array): void {
    if (this.#ended !== undefined) return;
    const frame = this.#decode(from, bytes);
    if (frame?.kind === "asks") for (const ask of frame.items) this.#onAsk(from, frame.run, ask);
    if (frame?.kind === "answers" && frame.run === this.#run)
      for (const { id, fate } of frame.items) if (this.#waiting.get(id)?.to === from) this.#end(id, fate);
  }

  onDisconnect(peer: NodeId): void {
    for (const [id, { to }] of this.#waiting)
      if (to === peer) this.#end(id, { kind: "failed", error: wireError(unknownFate()) });
  }

  onExchange(): Promise<Exchange> {
    return Promise.reject(new NetworkError("refused", "commands come in frames"));
  }

  /** Whoever waits learns that nobody knows. */
  stop(): void {
    this.#ended = new StoreError("Stopped", "The node is stopping.");
    for (const id of this.#waiting.keys()) this.#end(id, { kind: "failed", error: wireError(unknownFate()) });
  }

  #decode(from: NodeId, bytes: Uint8Array): DecodedFrame | undefined {
    try {
      return decodeProposalFrame(bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#options.journal.warn("proposals.malformed", { from, problem: error.message });
      return undefined;
    }
  }

  #onAsk(from: NodeId, run: number, { id, group, command }: Ask): void {
    const answer = (fate: Fate): void => {
      if (this.#ended === undefined) this.#answers.add(from, run, { id, fate });
    };
    const served = this.#options.served(group);
    if (served === undefined) return answer(failed(notHere(group)));
    if (this.#askedHere >= askedMax) return answer(failed(overloaded()));
    this.#askedHere++;
    served
      .appendHere(command)
      .then(
        ({ index, result }) => answer({ kind: "applied", index, result }),
        (error: unknown) => answer(failed(error)),
      )
      .finally(() => this.#askedHere--);
  }

  #end(id: number, fate: Fate): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    if (fate.kind === "applied") waiting.resolve({ index: fate.index, result: fate.result });
    else waiting.reject(storeError(fate.error));
  }

  #planSweep(): void {
    if (this.#isSweepPlanned) return;
    this.#isSweepPlanned = true;
    this.#options.clock.after(sweepMs, () => {
      this.#isSweepPlanned = false;
      const nowMs = this.#options.clock.monotonicMs();
      for (const [id, { deadlineMs }] of this.#waiting) {
        if (deadlineMs > nowMs) break;
        this.#end(id, { kind: "failed", error: wireError(unknownFate()) });
      }
      if (this.#waiting.size > 0 && this.#ended === undefined) this.#planSweep();
    });
  }
}

function failed(error: unknown): Fate {
  const known =
    error instanceof StoreError ? error : new StoreError("Internal", "The leader failed. See its log.");
  return { kind: "failed", error: wireError(known) };
}

function unreachable(): StoreError {
  return new StoreError("Unavailable", "The leader's node cannot be reached. Try again in a moment.");
}

function notHere(group: GroupId): StoreError {
  return new StoreError("Unavailable", `Group ${group} is not served on that node. Try again in a moment.`);
}

function overloaded(): StoreError {
  return new StoreError(
    "Overloaded",
    "Too many requests wait for that node's groups. Try again in a moment.",
  );
}

function unknownFate(): StoreError {
  return new StoreError("OutcomeUnknown", "Nobody can say whether the request was committed. Ask again.");
}
