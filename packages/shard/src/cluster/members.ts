/** What the system group has on record of its nodes. */

import type { Codec, NodeId } from "@holdfast/base";
import { decode, encode, integer, oneOf, record, versioned } from "@holdfast/base";
import { pairsUnder } from "@holdfast/namespace";
import type { StateReader, StateWriter } from "@holdfast/ports";
import { foundingKey, nodeKey, nodesTable } from "./cluster-keys.ts";
import type { NodeRecord } from "./node-record.ts";
import { nodeRecordCodec } from "./node-record.ts";

/** What is fixed when a cluster begins. */
export interface Founding {
  readonly consensus: "raft" | "multipaxos";
  /** 2 to this power partitions (package ring). */
  readonly partitionBits: number;
}

export const foundingFieldsCodec: Codec<Founding> = record({
  consensus: oneOf(["raft", "multipaxos"] as const),
  partitionBits: integer,
});

const foundingCodec: Codec<Founding> = versioned(1, foundingFieldsCodec);

export function findFounding(state: StateReader): Founding | undefined {
  const stored = state.get(foundingKey);
  return stored === undefined ? undefined : decode(foundingCodec, stored);
}

export function findNode(state: StateReader, id: NodeId): NodeRecord | undefined {
  const stored = state.get(nodeKey(id));
  return stored === undefined ? undefined : decode(nodeRecordCodec, stored);
}

/** By id. */
export function listNodes(state: StateReader): readonly NodeRecord[] {
  return Array.from(pairsUnder(state, nodesTable), ({ value }) => decode(nodeRecordCodec, value));
}

export function storeFounding(state: StateWriter, founding: Founding): void {
  state.put(foundingKey, encode(foundingCodec, founding));
}

export function storeNode(state: StateWriter, node: NodeRecord): void {
  state.put(nodeKey(node.id), encode(nodeRecordCodec, node));
}
