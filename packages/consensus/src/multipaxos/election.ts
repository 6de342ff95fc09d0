/**
 * Who may prepare a ballot. Like ballot leader election in OmniPaxos (Ng, Haridi, Carbone, EuroSys 2023, §5.2) it asks for
 * connectivity alone, never for a long log, since phase 1 fetches what was accepted: whoever reaches a quorum can lead, also
 * where the network is cut in parts. A canvass finds out without raising a ballot, so that nobody
 * who is cut off disturbs a leader who is not.
 */

import type { Ballot } from "@holdfast/base";
import { ballot } from "@holdfast/base";
import { membersOf } from "../contract/membership.ts";
import { quorumHolds } from "../contract/quorum.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { Canvass, CanvassReply, TakeOver } from "./messages.ts";
import type { PaxosCore } from "./paxos-core.ts";

export class Election {
  readonly #core: PaxosCore;
  readonly #prepare: (above: Ballot, transfer: boolean) => void;
  /** Means something to a pre-candidate. */
  #granted = new Set<ReplicaId>();
  #canvass = 0;
  /** The highest ballot that anybody spoke of. */
  #highest: Ballot = ballot(0);

  /** `prepare` is called when a ballot above this one is to be prepared; `transfer`: at the leader's word. */
  constructor(core: PaxosCore, prepare: (above: Ballot, transfer: boolean) => void) {
    this.#core = core;
    this.#prepare = prepare;
  }

  campaign(): void {
    const core = this.#core;
    if (core.role === "leader" || !core.isPromotable) return;
    core.becomePreCandidate();
    this.#granted = new Set([core.id]);
    const canvass = ++this.#canvass;
    const { id: from, ballot: promised, membership, holdings } = core;
    for (const to of membersOf({ ...membership, learners: [] }))
      if (to !== from) core.send({ kind: "Canvass", from, to, ballot: promised, canvass, ...holdings });
    this.#count();
  }

  /** Changes nothing here: a replica says what it would do. */
  onCanvass({ from: to, canvass, ...holdings }: Canvass): void {
    const core = this.#core;
    const granted = core.mayPromise(holdings) && !core.protectsFrom(to);
    const { id: from, ballot: promised } = core;
    core.send({ kind: "CanvassReply", from, to, ballot: promised, canvass, granted });
  }

  onCanvassReply(reply: CanvassReply): void {
    if (reply.ballot > this.#highest) this.#highest = reply.ballot;
    if (this.#core.role !== "pre-candidate" || reply.canvass !== this.#canvass) return;
    if (!reply.granted) return;
    this.#granted.add(reply.from);
    this.#count();
  }

  /** The leader handed over: no canvass, its followers expect nothing else. */
  onTakeOver(message: TakeOver): void {
    const core = this.#core;
    if (message.ballot === core.ballot && message.from === core.leader && core.isPromotable)
      this.#prepare(this.#highest, true);
  }

  #count(): void {
    const core = this.#core;
    if (!quorumHolds(core.membership, (id) => this.#granted.has(id))) return;
    // It may have applied its own removal since it asked.
    if (core.isPromotable) this.#prepare(this.#highest, false);
    else core.becomeFollower(undefined, undefined);
  }
}
