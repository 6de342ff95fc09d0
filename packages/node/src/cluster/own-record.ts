/**
 * What the cluster has on record of this node: written when it founds its cluster, brought up to date at each start.
 *
 * A directory whose log or whose volumes are not those that the cluster knows is refused: it was put together from two, or
 * restored in part, and may have forgotten what it promised (S11).
 */

import type { NodeId } from "@holdfast/base";
import { encode, nodeId, StoreError, shardId, toHex } from "@holdfast/base";
import { findCluster } from "@holdfast/namespace";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import { createLayout, layoutCodec, partitionBitsDefault } from "@holdfast/ring";
import type {
  NewNode,
  NodeAddresses,
  NodeLife,
  NodeRecord,
  SystemCommand,
  SystemResult,
} from "@holdfast/shard";
import { findFounding, findLayout, findNode, groupRecord, systemEntryCodec } from "@holdfast/shard";
import { shardGroup, systemGroup } from "../groups/group-ids.ts";
import type { Identity } from "../identity.ts";
import { refusal, rejoinHint } from "../refusal.ts";

export interface SystemGroup {
  readonly log: ReplicatedLog<SystemResult>;
  readonly state: StateReader;
  readonly clock: Clock;
}

/** What a node says of itself; what is left out is chosen when it comes to its cluster, and kept. */
export interface NodePlace {
  readonly zone?: string;
  readonly weight?: number;
  readonly addresses?: NodeAddresses;
}

const zoneDefault = "default";
const weightDefault = 1;
/** Of a node that nobody but its own process reaches. */
const nowhere: NodeAddresses = { rpc: "none", http: "none", s3: "none" };

export function newNode(
  id: NodeId,
  life: NodeLife,
  { zone = zoneDefault, weight = weightDefault, addresses = nowhere }: NodePlace,
): NewNode {
  return { id, ...life, zone, weight, addresses };
}

export function lifeOf(logIncarnation: string, volumeIncarnation: Uint8Array): NodeLife {
  return { logIncarnation, volumeIncarnation: toHex(volumeIncarnation) };
}

/** Throws StoreError "DataCorrupt" for a directory that is not the one on record. */
export function checkLife(known: NodeRecord | undefined, life: NodeLife): void {
  if (known === undefined || isSameLife(known, life)) return;
  throw otherLife();
}

/** Everything that a cluster begins with; what is there already is left alone, so that a start that was cut short is finished. */
export async function foundCluster(
  system: SystemGroup,
  node: NewNode,
  { clusterId, consensus }: Pick<Identity, "clusterId" | "consensus">,
  shardCountWanted: number,
): Promise<void> {
  const { state } = system;
  const known = findCluster(state);
  const shardCount = known?.shardCount ?? shardCountWanted;
  const commands: SystemCommand[] = [];
  if (known === undefined) commands.push({ kind: "createCluster", clusterId, shardCount });
  if (findFounding(state) === undefined) {
    const founding = { consensus, partitionBits: partitionBitsDefault };
    commands.push({ kind: "foundCluster", founding, node });
  }
  const groups = [systemGroup, ...Array.from({ length: shardCount }, (_, i) => shardGroup(shardId(i)))];
  for (const group of groups)
    if (groupRecord(state, group).nextReplica === 1)
      commands.push({ kind: "assignReplica", group, node: node.id });
  if (findLayout(state) === undefined)
    commands.push(firstLayout(findNode(state, node.id) ?? node, shardCount));
  // In this order, and in one batch of the log.
  await Promise.all(commands.map((command) => decide(system, command)));
}

function firstLayout({ id, zone, weight }: NewNode, shardCount: number): SystemCommand {
  const members = [{ id, zone, weight, draining: false }];
  const made = createLayout({ partitionBits: partitionBitsDefault, shardCount, members, widths: [1] });
  if (made.kind !== "changed") throw new StoreError("Internal", `The first layout is ${made.kind}.`);
  return { kind: "setLayout", layout: encode(layoutCodec, made.layout) };
}

/** Where the node is reached by now. An entry only where that is new: a start costs none. */
export async function announceNode(system: SystemGroup, life: NodeLife, node: NewNode): Promise<void> {
  const { id, addresses } = node;
  const known = findNode(system.state, id)?.addresses;
  const isKnown = known?.rpc === addresses.rpc && known.http === addresses.http && known.s3 === addresses.s3;
  if (!isKnown) await decide(system, { kind: "announceNode", node: id, life, addresses });
}

async function decide({ log, clock }: SystemGroup, command: SystemCommand): Promise<void> {
  const { result } = await log.append(encode(systemEntryCodec, { timeMs: clock.wallMs(), command }));
  if (result.kind !== "refused") return;
  throw result.code === "NodeConflict" ? otherLife() : refusal(result.code, result.subject);
}

export function isSameLife(known: NodeLife, life: NodeLife): boolean {
  return known.logIncarnation === life.logIncarnation && known.volumeIncarnation === life.volumeIncarnation;
}

function otherLife(): StoreError {
  return new StoreError(
    "DataCorrupt",
    `The log or the volumes in this data directory are not those that the cluster knows of this node: they were replaced, or come from another directory. Put the right ones back; nothing was changed. ${rejoinHint}`,
  );
}

export function ownId({ nodeId: id }: Pick<Identity, "nodeId">): NodeId {
  return nodeId(id);
}
