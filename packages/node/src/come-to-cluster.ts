/** A node's way to the system group: as its founder, as its state remembers, or by the door that a token opens. */

import { StoreError } from "@holdfast/base";
import { findCluster } from "@holdfast/namespace";
import type { Peer } from "@holdfast/ports";
import type { NewNode, NodeLife, ReplicaPlace } from "@holdfast/shard";
import type { GroupState, StateStore } from "@holdfast/state";
import { StateCorruptError } from "@holdfast/state";
import type { ClusterMap } from "./cluster/cluster-map.ts";
import { clusterMapOf, peersOf } from "./cluster/cluster-map.ts";
import type { ClusterSeed } from "./cluster/cluster-seed.ts";
import { checkLife } from "./cluster/own-record.ts";
import { systemGroup } from "./groups/group-ids.ts";
import type { Identity } from "./identity.ts";
import { isEntering, writeIdentity } from "./identity.ts";
import type { Opening } from "./opening.ts";
import { rejoinHint } from "./refusal.ts";

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
    /** As the file beside the state has it. */
    readonly wayIn: ClusterSeed | undefined;
    readonly life: NodeLife;
    readonly node: NewNode;
  },
): Promise<Coming> {
  const { found, state, wayIn, life, node } = parts;
  const system = state.group(systemGroup);
  const map = mapAtStart(system, wayIn);
  // What its state says of the groups' homes may be of before it was let in with another log.
  if ((system.damage !== undefined || isEntering(found)) && wayIn !== undefined) {
    checkIdentity(found, wayIn.clusterId);
    return { identity: found, places: wayIn.places, peers: wayIn.peers };
  }
  checkIdentity(found, map?.clusterId ?? findCluster(system)?.clusterId);
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

/** Whether this node is all there is of its cluster, as far as its state and the file beside it know; `state`: one that can be used. */
export function isAloneAtStart(state: StateStore | undefined, wayIn: ClusterSeed | undefined): boolean {
  const nodes = nodesAtStart(state, wayIn) ?? wayIn?.peers.length;
  return nodes === undefined || nodes === 1;
}

/** Undefined where the state does not say. */
function nodesAtStart(state: StateStore | undefined, wayIn: ClusterSeed | undefined): number | undefined {
  try {
    const system = state?.group(systemGroup);
    return system === undefined ? undefined : clusterMapOf(system)?.nodes.size;
  } catch (error) {
    // Where nobody knows of others the damage is to be seen to before anything is opened.
    if (wayIn === undefined) throw error;
    return undefined;
  }
}

/**
 * What the state says of the cluster; undefined where it says nothing. A state that is found damaged is condemned if it is known where
 * another is to be had (S12); otherwise throws StateCorruptError.
 */
export function mapAtStart(system: GroupState, wayIn: ClusterSeed | undefined): ClusterMap | undefined {
  if (system.damage !== undefined && wayIn === undefined) throw new StateCorruptError(system.group);
  if (system.damage !== undefined) return undefined;
  try {
    return clusterMapOf(system);
  } catch (error) {
    if (!(error instanceof StateCorruptError) || wayIn === undefined) throw error;
    system.condemn("a value of it does not match its checksum");
    return undefined;
  }
}

function checkIdentity({ complete, clusterId }: Identity, known: string | undefined): void {
  if (known === undefined && complete)
    throw new StoreError(
      "DataCorrupt",
      `The data directory has lost its log and its state. Restore them from a backup; starting empty would erase the files' blocks. ${rejoinHint}`,
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
