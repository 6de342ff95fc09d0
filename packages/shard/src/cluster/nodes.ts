/** Who belongs to the cluster: founded by one node, joined by others with one-time tokens, left by those that nothing names. */

import type { NodeId } from "@holdfast/base";
import type { EntryScope, Refusal } from "@holdfast/namespace";
import { findCluster, refusal } from "@holdfast/namespace";
import type { StateWriter } from "@holdfast/ports";
import { nodeKey } from "./cluster-keys.ts";
import { findLayout } from "./layouts.ts";
import type { Founding } from "./members.ts";
import { findFounding, findNode, storeFounding, storeNode } from "./members.ts";
import type { NewNode, NodeAddresses, NodeLife, NodeRecord } from "./node-record.ts";
import { isPlausibleNode } from "./node-record.ts";
import { groupsAt, livesAlone, returningBeside, systemGroup } from "./replicas.ts";
import { isUsedBy, useToken } from "./tokens.ts";

/** What may change while it is a member. */
export interface NodeChange {
  readonly zone: string;
  readonly weight: number;
  readonly draining: boolean;
}

type Scope = Pick<EntryScope, "state" | "timeMs">;

/** The first node of a cluster needs no token. Once; said again by the same node it is answered as before. */
export function foundCluster(scope: Scope, founding: Founding, node: NewNode): NodeRecord | Refusal {
  const { state } = scope;
  const known = findNode(state, node.id);
  if (known !== undefined) return isSameLife(known, node) ? known : refusal("NodeConflict");
  if (findCluster(state) === undefined || findFounding(state) !== undefined || !isPlausibleNode(node))
    return refusal("InvalidRequest");
  storeFounding(state, founding);
  return add(scope, node);
}

/**
 * A node comes with a token that nobody used. Said again by the same node with the same token it is answered as before: the
 * first answer may have been lost.
 */
export function joinNode(scope: Scope, token: Uint8Array, node: NewNode): NodeRecord | Refusal {
  const { state, timeMs } = scope;
  const known = findNode(state, node.id);
  if (known !== undefined && !isSameLife(known, node)) return refusal("NodeConflict");
  if (!isPlausibleNode(node) || findFounding(state) === undefined) return refusal("InvalidRequest");
  const refused = useToken(state, token, node.id, timeMs);
  if (refused !== undefined) return refused;
  return known ?? add(scope, node);
}

export interface Rejoin {
  readonly token: Uint8Array;
  readonly node: NodeId;
  readonly life: NodeLife;
  readonly addresses: NodeAddresses;
}

/**
 * S11: a node that lost its log comes back with its volumes, under its id and under the life of another log. So it is another place,
 * and what its replicas promised under their old numbers is expected of nobody. Other volumes would be another node: `NodeConflict`.
 * `NodeInUse`, with the group: nobody else has a replica of that one, which would be lost with this node's log and state.
 *
 * One after the other: `Unavailable`, with the node, while another one that came back so has not left its old numbers behind. A node
 * whose log may be whole after all must not take the majority away that the other one's groups have left.
 *
 * Said again under the same life it is answered as before. A token is good for one life: what is said again late, when the node
 * has another one, must not bring back the one before.
 */
export function rejoinNode(scope: Scope, { token, node, life, addresses }: Rejoin): NodeRecord | Refusal {
  const { state, timeMs } = scope;
  const known = findNode(state, node);
  if (known === undefined) return refusal("NodeNotFound", node);
  if (known.volumeIncarnation !== life.volumeIncarnation) return refusal("NodeConflict");
  const alone = livesAlone(state, node);
  if (alone !== undefined) return refusal("NodeInUse", `group ${alone}`);
  const other = returningBeside(state, node);
  if (other !== undefined) return refusal("Unavailable", other);
  const back = { ...known, ...life, addresses };
  if (!isPlausibleNode(back)) return refusal("InvalidRequest");
  if (known.logIncarnation !== life.logIncarnation && isUsedBy(state, token, node))
    return refusal("InvalidToken");
  const refused = useToken(state, token, node, timeMs);
  if (refused !== undefined) return refused;
  storeNode(state, back);
  return back;
}

/** What a node says of itself at each start. Refused as `NodeConflict` for another life of it (S11). */
export function announceNode(
  state: StateWriter,
  id: NodeId,
  life: NodeLife,
  addresses: NodeAddresses,
): NodeRecord | Refusal {
  const known = findNode(state, id);
  if (known === undefined) return refusal("NodeNotFound");
  if (!isSameLife(known, life)) return refusal("NodeConflict");
  return replace(state, { ...known, addresses });
}

export function changeNode(state: StateWriter, id: NodeId, change: NodeChange): NodeRecord | Refusal {
  const known = findNode(state, id);
  if (known === undefined) return refusal("NodeNotFound");
  return replace(state, { ...known, ...change });
}

/**
 * S13: a node is gone when no group and no stable partition names it. But every node learns from the system group to its end: a
 * draining one goes with that replica, which the group's leader takes out of the group then. That it does not vote there is for
 * whoever proposes this to know (only the group's log does); draining it is not made a voter again.
 */
export function removeNode(state: StateWriter, id: NodeId): Refusal | undefined {
  const known = findNode(state, id);
  if (known === undefined) return undefined;
  const isInLayout = findLayout(state)?.members.some((member) => member.id === id) === true;
  const held = groupsAt(state, id).filter((group) => !(known.draining && group === systemGroup));
  if (isInLayout || held.length > 0) return refusal("NodeInUse");
  state.remove(nodeKey(id));
  return undefined;
}

function add({ state, timeMs }: Scope, node: NewNode): NodeRecord {
  const added = { ...node, draining: false, joinedAtMs: timeMs };
  storeNode(state, added);
  return added;
}

function replace(state: StateWriter, node: NodeRecord): NodeRecord | Refusal {
  if (!isPlausibleNode(node)) return refusal("InvalidRequest");
  storeNode(state, node);
  return node;
}

function isSameLife(known: NodeLife, life: NodeLife): boolean {
  return known.logIncarnation === life.logIncarnation && known.volumeIncarnation === life.volumeIncarnation;
}
