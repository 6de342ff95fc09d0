/**
 * At each start of a node: it is on record in its cluster, under the life that its directory has, and there is a layout.
 *
 * A directory whose log or whose volumes are not those that the cluster knows is refused: it was put together from two, or
 * restored in part, and may have forgotten what it promised (S11).
 */

import type { NodeId } from "@holdfast/base";
import { encode, nodeId, StoreError, toHex } from "@holdfast/base";
import type { Clock, ReplicatedLog, StateReader } from "@holdfast/ports";
import { createLayout, layoutCodec, partitionBitsDefault } from "@holdfast/ring";
import type { NewNode, NodeAddresses, NodeRecord, SystemCommand, SystemResult } from "@holdfast/shard";
import { findFounding, findLayout, findNode, systemEntryCodec } from "@holdfast/shard";
import { refusal } from "../refusal.ts";

export interface SystemGroup {
  readonly log: ReplicatedLog<SystemResult>;
  readonly state: StateReader;
  readonly clock: Clock;
}

/** What a node says of itself; what is left out is chosen when it is founded, and kept. */
export interface NodePlace {
  readonly zone?: string;
  readonly weight?: number;
  readonly addresses?: NodeAddresses;
}

export interface OwnDirectory {
  readonly nodeId: string;
  readonly logIncarnation: string;
  readonly volumeIncarnation: Uint8Array;
}

const zoneDefault = "default";
const weightDefault = 1;
/** Of a node that nobody but its own process reaches. */
const nowhere: NodeAddresses = { rpc: "none", http: "none", s3: "none" };

export async function recordNode(
  system: SystemGroup,
  directory: OwnDirectory,
  place: NodePlace,
  shardCount: number,
): Promise<void> {
  const id = nodeId(directory.nodeId);
  const known = findNode(system.state, id);
  const life = {
    logIncarnation: directory.logIncarnation,
    volumeIncarnation: toHex(directory.volumeIncarnation),
  };
  if (known === undefined) await found(system, { id, ...life, ...described(place) });
  else await announce(system, known, life, place.addresses);
  if (findLayout(system.state) === undefined) await layOut(system, id, shardCount);
}

function described({ zone, weight, addresses }: NodePlace): Pick<NewNode, "zone" | "weight" | "addresses"> {
  return { zone: zone ?? zoneDefault, weight: weight ?? weightDefault, addresses: addresses ?? nowhere };
}

async function found(system: SystemGroup, node: NewNode): Promise<void> {
  const founding = { consensus: "raft", partitionBits: partitionBitsDefault } as const;
  await decide(system, { kind: "foundCluster", founding, node });
}

/** An entry only where something is new: a start costs none. */
async function announce(
  system: SystemGroup,
  known: NodeRecord,
  life: Pick<NodeRecord, "logIncarnation" | "volumeIncarnation">,
  addresses: NodeAddresses = known.addresses,
): Promise<void> {
  const isKnown =
    life.logIncarnation === known.logIncarnation &&
    life.volumeIncarnation === known.volumeIncarnation &&
    addresses.rpc === known.addresses.rpc &&
    addresses.http === known.addresses.http &&
    addresses.s3 === known.addresses.s3;
  if (!isKnown) await decide(system, { kind: "announceNode", node: known.id, life, addresses });
}

async function layOut(system: SystemGroup, id: NodeId, shardCount: number): Promise<void> {
  const node = findNode(system.state, id);
  const { partitionBits } = findFounding(system.state) ?? { partitionBits: partitionBitsDefault };
  const members = node === undefined ? [] : [node];
  const made = createLayout({ partitionBits, shardCount, members, widths: [1] });
  if (made.kind !== "changed") throw new StoreError("Internal", `The first layout is ${made.kind}.`);
  await decide(system, { kind: "setLayout", layout: encode(layoutCodec, made.layout) });
}

async function decide({ log, clock }: SystemGroup, command: SystemCommand): Promise<void> {
  const { result } = await log.append(encode(systemEntryCodec, { timeMs: clock.wallMs(), command }));
  if (result.kind !== "refused") return;
  if (result.code !== "NodeConflict") throw refusal(result.code, result.subject);
  throw new StoreError(
    "DataCorrupt",
    "The log or the volumes in this data directory are not those that the cluster knows of this node: they were replaced, or come from another directory. Put the right ones back; nothing was changed.",
  );
}
