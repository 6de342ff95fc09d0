/**
 * Where the replicas of each group live. A group's own log says who votes (S13); this says which node, under which life of its
 * log, each replica's number was given out for. A number is never used again: a node that lost its log joins under a new one
 * (S11).
 */

import type { Codec, GroupId, NodeId } from "@holdfast/base";
import { branded, decode, encode, groupId, integer, list, record, text, versioned } from "@holdfast/base";
import type { Refusal } from "@holdfast/namespace";
import { pairsUnder, refusal } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { groupKey, groupsTable } from "./cluster-keys.ts";
import { findNode } from "./members.ts";
import type { NodeLife } from "./node-record.ts";
import { nodeIdCodec } from "./node-record.ts";

export interface ReplicaPlace {
  /** The replica's number in its group, from 1. */
  readonly replica: number;
  readonly node: NodeId;
  /** `WriteAheadLog.incarnation` of that node when the number was given out. */
  readonly incarnation: string;
}

export interface GroupRecord {
  readonly group: GroupId;
  readonly nextReplica: number;
  /** By number. */
  readonly places: readonly ReplicaPlace[];
}

export const groupRecordCodec: Codec<GroupRecord> = versioned(
  1,
  record({
    group: branded<GroupId>(),
    nextReplica: integer,
    places: list(record({ replica: integer, node: nodeIdCodec, incarnation: text })),
  }),
);

/** A group moves through a few nodes at a time; more would be a mistake. */
const placesMax = 64;

/** Without any place for a group that nobody ever belonged to. */
export function groupRecord(state: StateReader, group: GroupId): GroupRecord {
  const stored = state.get(groupKey(group));
  return stored === undefined ? { group, nextReplica: 1, places: [] } : decode(groupRecordCodec, stored);
}

export function listGroups(state: StateReader): readonly GroupRecord[] {
  return Array.from(pairsUnder(state, groupsTable), ({ value }) => decode(groupRecordCodec, value));
}

/** A number for this node as its log lives now; the one it has already, if it has. */
export function assignReplica(state: StateWriter, group: GroupId, node: NodeId): ReplicaPlace | Refusal {
  const member = findNode(state, node);
  if (member === undefined) return refusal("NodeNotFound");
  const { logIncarnation: incarnation } = member;
  const known = groupRecord(state, group);
  const found = known.places.find((place) => place.node === node && place.incarnation === incarnation);
  if (found !== undefined) return found;
  if (known.places.length >= placesMax) return refusal("Overloaded");
  const place = { replica: known.nextReplica, node, incarnation };
  put(state, { ...known, nextReplica: known.nextReplica + 1, places: [...known.places, place] });
  return place;
}

/** The group's own log names this replica no more, and that is committed; idempotent. */
export function dropReplica(state: StateWriter, group: GroupId, replica: number): undefined {
  const known = groupRecord(state, group);
  const places = known.places.filter((place) => place.replica !== replica);
  if (places.length < known.places.length) put(state, { ...known, places });
}

/** The group whose log this all is in. */
export const systemGroup: GroupId = groupId(0);

/** Groups that have given the node a number; none twice. */
export function groupsAt(state: StateReader, node: NodeId): readonly GroupId[] {
  return listGroups(state)
    .filter(({ places }) => places.some((place) => place.node === node))
    .map(({ group }) => group);
}

/** A group that nobody but this node has a number in; undefined without one. */
export function livesAlone(state: StateReader, node: NodeId): GroupId | undefined {
  return listGroups(state).find(
    ({ places }) => places.length > 0 && places.every((place) => place.node === node),
  )?.group;
}

/** Another node of one of its groups that has a number there from before it lost its log; undefined without one. */
export function returningBeside(state: StateReader, node: NodeId): NodeId | undefined {
  const beside = listGroups(state)
    .filter(({ places }) => places.some((place) => place.node === node))
    .flatMap(({ places }) => places.filter((place) => place.node !== node));
  return beside.find((place) => isOver(place, findNode(state, place.node)))?.node;
}

/** S11: given out for a log that was lost: the node, which is a member still, has another one. */
export function isOver({ incarnation }: ReplicaPlace, node: NodeLife | undefined): boolean {
  return node !== undefined && node.logIncarnation !== incarnation;
}

function put(state: StateWriter, known: GroupRecord): void {
  state.put(groupKey(groupId(known.group)), encode(groupRecordCodec, known));
}
