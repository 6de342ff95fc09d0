/**
 * Which partition a block lies in: the hash ring of 2^32 positions is cut into 2^p equal arcs, so that the top p bits of a
 * hash are the partition (Dynamo §6.2, strategy 3: DeCandia et al., SOSP 2007). Fixed for ever: a block whose hash or whose
 * p changed would not be found.
 */

import type { Brand } from "@holdfast/base";
import { assert } from "@holdfast/base";
import { murmur3 } from "./murmur3.ts";

/** One of 2^p equal arcs of the hash ring, numbered clockwise from 0. */
export type PartitionId = Brand<number, "PartitionId">;
export const partitionId = (value: number): PartitionId => value as PartitionId;

export const partitionBitsMin: number = 1;
export const partitionBitsMax: number = 16;
export const partitionBitsDefault: number = 10;

/** The partition that holds a position of the ring: the hash's top bits. */
export function partitionOfHash(hash: number, partitionBits: number): PartitionId {
  return partitionId(hash >>> (32 - partitionBits));
}

/** The position of a block on the ring; `key` is `blockKey` of base, so that another salt is another position. */
export function blockHash(key: Uint8Array): number {
  return murmur3(key);
}

/**
 * The p for a cluster that may grow to this many nodes, fixed when the cluster is created. No node holds more than
 * 1 + nodes / (slots of a table) times its share, so 20 partitions for each node keep every table within 5 %. 2^10, the
 * least that is chosen, does so for 51 nodes with one replica, 153 with three; more only makes layouts larger.
 */
export function partitionBitsFor(nodesMax: number): number {
  assert(Number.isInteger(nodesMax) && nodesMax >= 1, "the most nodes the cluster may have");
  let bits = partitionBitsDefault;
  while (bits < partitionBitsMax && 2 ** bits < 20 * nodesMax) bits++;
  return bits;
}
