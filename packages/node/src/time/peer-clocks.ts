/**
 * The clocks of the cluster's nodes, as this one knows them: asked every few seconds, and at once of a node that is reached
 * anew. What follows from them (SAFETY S16) is asked here: the time that this node may put into entries, and whether it should
 * lead.
 *
 * State machines know only the latest time that any entry had. One node whose clock is a day ahead would bring that of the whole
 * cluster there for good: everything that expires would, at once. So a node says no time unless other clocks bear its own out.
 */

import type { NodeId, Random } from "@holdfast/base";
import { DecodeError, decode, encode } from "@holdfast/base";
import type { Clock, Exchange, Journal, Network, NetworkReceiver } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import { Rounds } from "../maintenance/rounds.ts";
import type { ClockFrame } from "./clock-frames.ts";
import { clockFrameCodec } from "./clock-frames.ts";
import type { ClockJudgement } from "./clock-judgement.ts";
import { judgeClock } from "./clock-judgement.ts";

export interface PeerClocksOptions {
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** The clock is apart from the others': what this node leads is to be led by another. Called again while that lasts. */
  readonly onApart: () => void;
}

/** Of this node's clock among the others'; `alone`: there are none, or none can be reached. */
export interface ClockStanding extends Omit<ClockJudgement, "standing"> {
  readonly standing: ClockJudgement["standing"] | "alone";
}

const roundMs = 2000;
/** An answer says where a clock was half a round trip ago, give or take the other half. */
const roundTripMsMax = 5000;
/** A node that was not heard for so long may have set its clock meanwhile; one that was reached has so long to answer. */
const heardMsMax = 10_000;

export class PeerClocks implements NetworkReceiver {
  readonly #options: PeerClocksOptions;
  readonly #rounds: Rounds;
  readonly #asked = new Map<NodeId, { readonly number: number; readonly atMs: number }>();
  /** How far each is ahead of this one's monotonic time: a wall clock that is set shows at once. */
  readonly #heard = new Map<NodeId, { readonly leadMs: number; readonly atMs: number }>();
  #others: ReadonlySet<NodeId> = new Set();
  #number: number;
  /** Of the start and of each node that is reached: until then, silence says nothing. */
  #expectedUntilMs: number;
  #told: ClockStanding["standing"] = "alone";

  constructor(options: PeerClocksOptions) {
    this.#options = options;
    const { clock, journal, random } = options;
    this.#rounds = new Rounds({ clock, journal }, "comparing clocks", () => this.#round());
    this.#number = random.uint32();
    this.#expectedUntilMs = clock.monotonicMs() + heardMsMax;
  }

  /** Replaces what was known of the cluster's other nodes. From the first of them on they are asked. */
  setOthers(others: ReadonlySet<NodeId>): void {
    const isFirst = this.#others.size === 0 && others.size > 0;
    this.#others = others;
    for (const node of this.#heard.keys()) if (!others.has(node)) this.#heard.delete(node);
    if (isFirst) this.#rounds.start(0);
  }

  get standing(): ClockStanding {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const ownLeadMs = clock.wallMs() - nowMs;
    const offsetsMs = [...this.#heard.values()]
      .filter(({ atMs }) => nowMs - atMs <= heardMsMax)
      .map(({ leadMs }) => Math.round(leadMs - ownLeadMs));
    const isAlone = offsetsMs.length === 0 && (this.#others.size === 0 || nowMs > this.#expectedUntilMs);
    return isAlone ? { standing: "alone", aheadMs: 0 } : judgeClock(offsetsMs);
  }

  /** A clock whose wall time is what this node may put into entries: 0, which moves nothing, where its own is not borne out. */
  forEntries(): Clock {
    const { clock } = this.#options;
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => (this.#isTrusted() ? clock.wallMs() : 0),
      after: (delayMs, action) => clock.after(delayMs, action),
      soon: (action) => clock.soon(action),
    };
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  onConnect(peer: NodeId): void {
    this.#expectedUntilMs = this.#options.clock.monotonicMs() + heardMsMax;
    this.#ask(peer);
  }

  onFrame(from: NodeId, bytes: Uint8Array): void {
    const frame = this.#decode(from, bytes);
    if (frame?.kind === "ask") this.#answer(from, frame.number);
    if (frame?.kind === "answer") this.#onAnswer(from, frame.number, frame.wallMs);
  }

  onDisconnect(peer: NodeId): void {
    this.#asked.delete(peer);
  }

  onExchange(): Promise<Exchange> {
    return Promise.reject(new NetworkError("refused", "clocks are compared in frames"));
  }

  #isTrusted(): boolean {
    const { standing } = this.standing;
    return standing === "together" || standing === "alone";
  }

  #round(): Promise<number> {
    for (const node of this.#others) this.#ask(node);
    this.#tell();
    if (this.standing.standing === "apart") this.#options.onApart();
    return Promise.resolve(roundMs);
  }

  #ask(node: NodeId): void {
    const { network, clock } = this.#options;
    const number = ++this.#number;
    this.#asked.set(node, { number, atMs: clock.monotonicMs() });
    network.send(node, encode(clockFrameCodec, { kind: "ask", number }));
  }

  #answer(to: NodeId, number: number): void {
    const { network, clock } = this.#options;
    const wallMs = Math.max(0, Math.floor(clock.wallMs()));
    network.send(to, encode(clockFrameCodec, { kind: "answer", number, wallMs }));
  }

  #onAnswer(from: NodeId, number: number, wallMs: number): void {
    const asked = this.#asked.get(from);
    if (asked?.number !== number) return;
    this.#asked.delete(from);
    const nowMs = this.#options.clock.monotonicMs();
    const roundTripMs = nowMs - asked.atMs;
    if (roundTripMs > roundTripMsMax) return;
    this.#heard.set(from, { leadMs: wallMs + roundTripMs / 2 - nowMs, atMs: nowMs });
    this.#tell();
  }

  /** Once for each change. */
  #tell(): void {
    const { standing, aheadMs } = this.standing;
    if (standing === this.#told) return;
    const wasWrong = this.#told === "apart" || this.#told === "unsure";
    this.#told = standing;
    const { journal } = this.#options;
    if (standing === "apart") journal.warn("clock is apart from the other nodes'", { aheadMs });
    else if (standing === "unsure" && this.#heard.size > 0) journal.warn("clocks of the nodes disagree", {});
    else if (standing === "together" && wasWrong)
      journal.info("clock agrees with the other nodes'", { aheadMs });
  }

  #decode(from: NodeId, bytes: Uint8Array): ClockFrame | undefined {
    try {
      return decode(clockFrameCodec, bytes);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#options.journal.warn("clocks.malformed", { from, problem: error.message });
      return undefined;
    }
  }
}
