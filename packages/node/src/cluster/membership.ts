/** Who belongs to the cluster: one-time tokens, nodes that bring one, nodes that change and go. */

import type { ErrorCode, NodeId } from "@holdfast/base";
import { epoch, nodeId, StoreError } from "@holdfast/base";
import { replicaId } from "@holdfast/consensus";
import type { NewNode, NodeChange, NodeRecord, SystemCommand, SystemResult } from "@holdfast/shard";
import {
  findLayout,
  findNode,
  groupRecord,
  layoutChange,
  listGroups,
  listNodes,
  usedWidths,
} from "@holdfast/shard";
import type { ForwardingLog } from "../groups/forwarding-log.ts";
import { systemGroup } from "../groups/group-ids.ts";
import { refusal } from "../refusal.ts";
import { clusterMapOf, peersOf } from "./cluster-map.ts";
import type { ClusterSeed } from "./cluster-seed.ts";
import type { SystemPort } from "./layout-ports.ts";
import type { NodeUses } from "./node-uses.ts";
import { nodeUses, unused } from "./node-uses.ts";

/** What an operator changes in who belongs to the cluster. */
export interface MemberChanges {
  /**
   * What is left out stays as it is; changed already it costs nothing. StoreError "NodeNotFound"; "InvalidRequest" for what no
   * node can have, and for draining when too few nodes would stay for what is stored. Of two changes of one node at
   * the same moment, made by way of two nodes, one may be lost.
   */
  changeNode(id: string, change: Partial<NodeChange>): Promise<NodeRecord>;
  /** False: there is no such node, any more or ever. StoreError "NodeInUse", with what still names it. */
  removeNode(id: string): Promise<boolean>;
  /**
   * What is moving has its old slots alone again. `change`: the epoch at which that began. False: no change is under way.
   * StoreError "LayoutConflict" while another one is.
   */
  revertLayout(change: number): Promise<boolean>;
}

export interface Membership extends MemberChanges {
  /** A token by whose SHA-256 digest one node may come in, within `lifetimeMs`. */
  issueToken(digest: Uint8Array, lifetimeMs: number): Promise<void>;
  revokeToken(digest: Uint8Array): Promise<void>;
  /**
   * A node brings a token. Said again by the same node it is answered as before. StoreError "InvalidToken" for one that is
   * wrong, used, revoked or expired; "NodeConflict" for a known node's id with another directory.
   */
  letIn(token: Uint8Array, node: NewNode): Promise<ClusterSeed>;
  /**
   * A member that lost its log brings a token and names the log that it will have (S11). As `letIn`; besides, StoreError "NodeNotFound"
   * for one that is no member; "NodeConflict" for one with other volumes; "NodeInUse" when a group would be lost with its log;
   * "Unavailable" while it is heard of as who it was, and while another one that came back so does not vote again yet.
   */
  letBack(token: Uint8Array, node: NewNode): Promise<ClusterSeed>;
}

type Refusal = Extract<SystemResult, { readonly kind: "refused" }>;
type SystemLog = Pick<ForwardingLog<SystemResult>, "readBarrier" | "replica">;

/** `isLive`: whether the node was heard of lately. */
export function membershipOf(
  system: SystemPort,
  log: SystemLog,
  isLive: (node: NodeId) => boolean,
): Membership {
  const decide = async (command: SystemCommand): Promise<SystemResult> => {
    const result = await system.append(command);
    if (result.kind === "refused") throw refusal(result.code, result.subject);
    return result;
  };
  return {
    ...memberChanges(system, log, decide),
    issueToken: async (digest, lifetimeMs) => {
      await decide({ kind: "issueToken", digest, lifetimeMs });
    },
    revokeToken: async (digest) => {
      await decide({ kind: "revokeToken", digest });
    },
    letIn: async (token, node) => {
      await decide({ kind: "joinNode", token, node });
      await decide({ kind: "assignReplica", group: systemGroup, node: node.id });
      return seedFrom(system);
    },
    letBack: async (token, { id, logIncarnation, volumeIncarnation, addresses }) => {
      if (isLive(id)) throw heardOf(id);
      const life = { logIncarnation, volumeIncarnation };
      const result = await system.append({ kind: "rejoinNode", token, node: id, life, addresses });
      if (result.kind === "refused") throw notLetBack(result);
      await decide({ kind: "assignReplica", group: systemGroup, node: id });
      return seedFrom(system);
    },
  };
}

/** Of two with one identity one would be the one that forgot. */
function heardOf(id: NodeId): StoreError {
  return new StoreError(
    "Unavailable",
    `Node ${id} is still heard of as who it was. Stop it; if it has just ended, try again in a moment.`,
    { fields: { node: id } },
  );
}

function notLetBack({ code, subject }: Refusal): StoreError {
  const said: Partial<Record<ErrorCode, string>> = {
    NodeConflict:
      "The volumes in this data directory are not those that the cluster knows of this node. Put the right ones back; or remove the node, and join with an empty directory.",
    NodeInUse: `This node has the only replica of ${subject}, which would be lost. Restore its log from a backup.`,
    Unavailable: `Node ${subject} has lost its log too and does not vote again yet. Try again when it does; \`holdfast cluster status\` shows it.`,
  };
  const message = said[code];
  return message === undefined ? refusal(code, subject) : new StoreError(code, message);
}

function memberChanges(
  { state }: SystemPort,
  log: SystemLog,
  decide: (command: SystemCommand) => Promise<SystemResult>,
): MemberChanges {
  return {
    changeNode: async (id, wanted) => {
      await log.readBarrier();
      const known = findNode(state, nodeId(id));
      if (known === undefined) throw refusal("NodeNotFound", id);
      const { zone, weight, draining } = { ...known, ...wanted };
      checkPlace(zone, weight);
      if (zone === known.zone && weight === known.weight && draining === known.draining) return known;
      if (draining && !known.draining) checkDraining(state, known.id);
      const command = { kind: "changeNode", node: known.id, change: { zone, weight, draining } } as const;
      const result = await decide(command);
      return result.kind === "node" ? result.node : { ...known, zone, weight, draining };
    },
    removeNode: async (id) => {
      await log.readBarrier();
      const known = findNode(state, nodeId(id));
      if (known === undefined) return false;
      const uses = nodeUses(findLayout(state), listGroups(state)).get(known.id) ?? unused;
      if (!known.draining || uses.isMember || uses.shardReplicas > 0) throw inUse(known, uses);
      checkVote(log, state, known.id);
      await decide({ kind: "removeNode", node: known.id });
      return true;
    },
    revertLayout: async (change) => {
      await log.readBarrier();
      const underWay = layoutChange(state);
      if (underWay === undefined) return false;
      if (underWay !== change) throw otherChange(change, underWay);
      await decide({ kind: "revertLayout", change: epoch(change) });
      return true;
    },
  };
}

const weightMax = 1000;
/** As a node's own config file takes them. */
const zonePattern = /^[A-Za-z0-9][\w.-]{0,62}$/;

function checkPlace(zone: string, weight: number): void {
  if (!Number.isInteger(weight) || weight < 1 || weight > weightMax)
    throw new StoreError("InvalidRequest", `A weight is a whole number from 1 to ${weightMax}.`);
  if (!zonePattern.test(zone))
    throw new StoreError(
      "InvalidRequest",
      "A zone has up to 63 letters, digits, dots, hyphens and underscores.",
    );
}

/** Content keeps the width it was written with, so the widest needs its nodes for good. */
function checkDraining(state: SystemPort["state"], leaving: NodeId): void {
  const width = Math.max(1, ...usedWidths(state));
  const staying = listNodes(state).filter(({ id, draining }) => !draining && id !== leaving).length;
  if (staying >= width) return;
  const needs = width === 1 ? "A cluster needs 1 node" : `Buckets with replicas:${width} need ${width} nodes`;
  const message = `${needs} that ${width === 1 ? "is" : "are"} not draining; there would be ${staying}. Add a node first.`;
  throw new StoreError("InvalidRequest", message, { fields: { width, nodes: staying } });
}

/** Only the group's own log says who votes (S13), and that counts once it is committed. */
function checkVote({ replica }: SystemLog, state: SystemPort["state"], leaving: NodeId): void {
  const status = replica?.status();
  if (status === undefined || status.appliedIndex !== status.lastIndex)
    throw new StoreError(
      "Unavailable",
      "Who votes in the system group is just changing. Try again in a moment.",
    );
  const { voters, outgoing } = status.membership;
  const { places } = groupRecord(state, systemGroup);
  const own = places.filter(({ node }) => node === leaving).map(({ replica: number }) => replicaId(number));
  if (own.every((id) => !voters.includes(id) && !outgoing.includes(id))) return;
  const message = `Node ${leaving} still votes in the system group. Wait until another node has taken its place.`;
  throw new StoreError("NodeInUse", message, { fields: { node: leaving } });
}

function inUse({ id, draining }: NodeRecord, { slots, shardReplicas, isMember }: NodeUses): StoreError {
  const names = [
    ...(slots === 0 ? [] : [`${slots} slots`]),
    ...(shardReplicas === 0 ? [] : [`replicas of ${shardReplicas} shards`]),
  ];
  const holds = names.length === 0 ? "nothing any more" : names.join(" and ");
  let next = "Wait until it holds nothing.";
  if (!draining) next = "Drain it first: `holdfast cluster drain`.";
  else if (names.length === 0 && isMember) next = "The next layout leaves it out; that takes a few seconds.";
  return new StoreError(
    "NodeInUse",
    `Node ${id} holds ${holds}, and ${draining ? "is draining" : "takes new data"}. ${next}`,
    {
      fields: { node: id, slots, replicas: shardReplicas, draining },
    },
  );
}

function otherChange(change: number, underWay: number): StoreError {
  const message = `The layout change under way is ${underWay}, not ${change}. Look at \`holdfast cluster status\` again.`;
  return new StoreError("LayoutConflict", message, { fields: { change: underWay } });
}

function seedFrom({ state }: SystemPort): ClusterSeed {
  const map = clusterMapOf(state);
  const places = map?.groups.find(({ group }) => group === systemGroup)?.places;
  if (map === undefined || places === undefined)
    throw new StoreError("Unavailable", "This node does not know its cluster yet. Try again in a moment.");
  const { clusterId, founding } = map;
  return { clusterId, consensus: founding.consensus, places, peers: peersOf(map) };
}
