/** A node's way to the system group: as its founder, as its state remembers, or by the door that a token opens. */

import { StoreError } from "@holdfast/base";
import { findCluster } from "@holdfast/namespace";
import type { Peer } from "@holdfast/ports";
import type { NewNode, NodeLife, ReplicaPlace } from "@holdfast/shard";
import type { StateStore } from "@holdfast/state";
import { clusterMapOf, peersOf } from "./cluster/cluster-map.ts";
import { checkLife } from "./cluster/own-record.ts";
import { systemGroup } from "./groups/group-ids.ts";
import type { Identity } from "./identity.ts";
import { writeIdentity } from "./identity.ts";
import type { Opening } from "./opening.ts";

export interface Coming {
  readonly identity: Identity;
  /** Homes of the system group's replicas, as far as they are known. */
  readonly places: readonly ReplicaPlace[];
  readonly peers: readonly Peer[];
}

/** What this node has to know to open the system group: from its state, from the cluster's door, or as its founder. */
export async function comeToCluster(
  { ports, options }: Opening,
  parts: {
    readonly found: Identity;
    readonly state: StateStore;
    readonly life: NodeLife;
    readonly node: NewNode;
  },
): Promise<Coming> {
  const { found, state, life, node } = parts;
  const map = clusterMapOf(state.group(systemGroup));
  checkIdentity(found, map?.clusterId ?? findCluster(state.group(systemGroup))?.clusterId);
  checkLife(map?.nodes.get(node.id), life);
  const own = { replica: 1, node: node.id, incarnation: life.logIncarnation };
  const known = map?.groups.find(({ group }) => group === systemGroup);
  if (map !== undefined && known !== undefined && known.places.length > 0) {
    return { identity: found, places: known.places, peers: peersOf(map) };
  }
  if (options.entrance === undefined || found.complete) return { identity: found, places: [own], peers: [] };
  const seed = await options.entrance.enter(node);
  const identity = { ...found, consensus: seed.consensus };
  await writeIdentity(ports.disk, identity);
  return { identity, places: seed.places, peers: seed.peers };
}

function checkIdentity({ complete, clusterId }: Identity, known: string | undefined): void {
  if (known === undefined && complete)
    throw new StoreError(
      "DataCorrupt",
      "The data directory has lost its log and its state. Restore them from a backup; starting empty would erase the files' blocks.",
    );
  if (known !== undefined && known !== clusterId)
    throw new StoreError(
      "DataCorrupt",
      "The data directory's identity and its state are of different clusters.",
    );
}

export function isFounder([first, ...others]: readonly ReplicaPlace[], { id }: NewNode): boolean {
  return first?.replica === 1 && first.node === id && others.length === 0;
}
