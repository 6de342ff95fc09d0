/**
 * Moves groups towards where they should live (S13): each node for the groups that it leads, one move after the other. What it
 * does is judged elsewhere: numbers in the system group, members in the group's own log.
 */

import type { NodeId } from "@holdfast/base";
import { present, StoreError, shardId } from "@holdfast/base";
import type { Group } from "@holdfast/groups";
import type { Clock, Journal } from "@holdfast/ports";
import type { SystemCommand } from "@holdfast/shard";
import { groupRecord } from "@holdfast/shard";
import { systemGroup } from "../groups/group-ids.ts";
import { Rounds } from "../maintenance/rounds.ts";
import type { ClusterMap } from "./cluster-map.ts";
import { clusterMapOf } from "./cluster-map.ts";
import type { FarewellsParts } from "./farewells.ts";
import { Farewells, nodesLetGo } from "./farewells.ts";
import type { GroupMove, GroupView, GroupWish } from "./group-move.ts";
import { nextMove } from "./group-move.ts";
import { shardWish, systemWish } from "./group-wishes.ts";
import type { SystemPort } from "./layout-ports.ts";
import type { NodeCluster } from "./node-cluster.ts";

export interface ReconcilerParts {
  readonly cluster: NodeCluster;
  readonly system: SystemPort;
  readonly nodeKnows: FarewellsParts["nodeKnows"];
  readonly clock: Clock;
  readonly journal: Journal;
}

const quietMs = 500;
/** A move that was made is most often followed by another one. */
const busyMs = 50;
/** Between two tries to hand over the leadership of a group; one that just came to lead is left in peace as long. */
const transferPauseMs = 5000;

export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #rounds: Rounds;
  readonly #farewells: Farewells;
  /** Of groups that are led here: when that began, or when leadership was last offered to another. */
  readonly #ledSinceMs = new Map<Group<unknown>, number>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    const { cluster } = parts;
    this.#farewells = new Farewells({ ...parts, isLive: (node) => cluster.isLive(node) });
    this.#rounds = new Rounds(parts, "reconciling groups", () => this.#round());
  }

  start(): void {
    this.#rounds.start(busyMs);
  }

  async stop(): Promise<void> {
    await this.#rounds.stop();
    this.#farewells.stop();
  }

  async #round(): Promise<number> {
    const { cluster, system } = this.#parts;
    // Nodes and the numbers of their replicas as of one moment: the map that the node goes by may lack one that has a number.
    const map = present(clusterMapOf(system.state), "a cluster that is known");
    const replicas = [cluster.system, ...cluster.shards].map(({ log }) => log.replica);
    const moved = await Promise.all(replicas.map((replica, i) => this.#move(replica, i, map)));
    return moved.includes(true) ? busyMs : quietMs;
  }

  /** `number`: 0 for the system group, 1 for the first shard. True when something was done. */
  async #move(group: Group<unknown> | undefined, number: number, map: ClusterMap): Promise<boolean> {
    if (group === undefined) return false;
    if (group.leader?.replica !== group.replica) {
      this.#ledSinceMs.delete(group);
      return false;
    }
    const { system, journal } = this.#parts;
    const view: GroupView = {
      status: group.status(),
      followers: group.followers(),
      record: groupRecord(system.state, group.group),
      lifeOf: (node: NodeId) => map.nodes.get(node)?.logIncarnation,
    };
    const wish = number === 0 ? systemWish(map, view) : shardWish(map, shardId(number - 1));
    const move = wish === undefined ? undefined : nextMove(view, wish);
    if (move === undefined || move.kind === "none") return false;
    if (move.kind === "transfer" && !this.#mayTransfer(group)) return false;
    if (number === 0 && !this.#mayLetGo(nodesLetGo(move, view))) return true;
    journal.info("group moves", { group: group.group, ...described(move, wish) });
    await this.#carryOut(group, move);
    return move.kind !== "transfer";
  }

  /** Of nodes that were removed: what is applied here of the system group says so. */
  #mayLetGo(nodes: readonly NodeId[]): boolean {
    return this.#farewells.areSaid(nodes, this.#parts.cluster.system.state.appliedIndex);
  }

  #mayTransfer(group: Group<unknown>): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const sinceMs = this.#ledSinceMs.get(group);
    if (sinceMs !== undefined && nowMs - sinceMs < transferPauseMs) return false;
    this.#ledSinceMs.set(group, nowMs);
    return sinceMs !== undefined;
  }

  async #carryOut(group: Group<unknown>, move: GroupMove): Promise<void> {
    switch (move.kind) {
      case "none":
        return;
      case "assign":
        return this.#decide(
          move.nodes.map((node) => ({ kind: "assignReplica", group: group.group, node }) as const),
        );
      case "change": {
        const refusal = group.proposeChange(move.target);
        if (refusal.kind === "invalid-change") throw new StoreError("Internal", refusal.problem);
        return;
      }
      case "drop":
        return this.#decide(
          move.replicas.map((replica) => ({ kind: "dropReplica", group: group.group, replica }) as const),
        );
      case "transfer":
        group.transferLeader(move.to);
    }
  }

  async #decide(commands: readonly SystemCommand[]): Promise<void> {
    await Promise.all(commands.map((command) => this.#parts.system.append(command)));
  }
}

function described(move: GroupMove, wish: GroupWish | undefined): Record<string, string | number> {
  switch (move.kind) {
    case "none":
      return {};
    case "assign":
      return { move: move.kind, nodes: move.nodes.join(" ") };
    case "change": {
      const { voters, learners } = move.target;
      return { move: move.kind, voters: voters.join(" "), learners: learners.join(" ") };
    }
    case "drop":
      return { move: move.kind, replicas: move.replicas.join(" ") };
    case "transfer":
      return { move: move.kind, to: move.to, leader: wish?.leader ?? "" };
  }
}

export function isSystemLeader({ system }: NodeCluster): boolean {
  const { replica } = system.log;
  return (
    replica !== undefined && replica.group === systemGroup && replica.leader?.replica === replica.replica
  );
}
