/** Where the replicas of one group live, as its replica on this node needs it. */

import type { NodeId } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";
import type { GroupLeader } from "./group.ts";
import type { Surroundings } from "./hosted-group.ts";
import type { Outbox } from "./outbox.ts";
import type { Place, Places } from "./places.ts";

export class GroupPlaces {
  readonly #surroundings: Pick<Surroundings, "meet" | "outbox" | "isLive">;
  #places: Places;

  constructor(places: Places, surroundings: Pick<Surroundings, "meet" | "outbox" | "isLive">) {
    this.#places = places;
    this.#surroundings = surroundings;
    surroundings.meet(places);
  }

  set(places: Places): void {
    this.#places = places;
    this.#surroundings.meet(places);
  }

  /** S11: whoever speaks for a replica is the node it lives on, under the log it lives in. */
  isHome(replica: ReplicaId, { node, incarnation }: Place): boolean {
    const place = this.#places.get(replica);
    return place?.node === node && place.incarnation === incarnation;
  }

  /** Some replica lives there. */
  knows(place: Place): boolean {
    return [...this.#places.keys()].some((replica) => this.isHome(replica, place));
  }

  isOn(node: NodeId): boolean {
    return [...this.#places.values()].some((place) => place.node === node);
  }

  nodeOf(replica: ReplicaId): NodeId | undefined {
    return this.#places.get(replica)?.node;
  }

  leaderOf(replica: ReplicaId | undefined): GroupLeader | undefined {
    return replica === undefined ? undefined : { replica, node: this.nodeOf(replica) };
  }

  isLive(replica: ReplicaId): boolean {
    const node = this.nodeOf(replica);
    return node !== undefined && this.#surroundings.isLive(node);
  }

  /** Undefined for this node itself, and when nobody knows where it lives. */
  outboxTo(replica: ReplicaId): Outbox | undefined {
    const node = this.nodeOf(replica);
    return node === undefined ? undefined : this.#surroundings.outbox(node);
  }

  /** Of all other nodes, each once. */
  outboxes(): ReadonlySet<Outbox> {
    const all = [...this.#places.keys()].map((replica) => this.outboxTo(replica));
    return new Set(all.filter((outbox) => outbox !== undefined));
  }
}
