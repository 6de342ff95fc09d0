/**
 * The ring of virtual nodes (Karger et al., "Consistent Hashing and Random Trees", STOC 1997; Stoica et al., "Chord",
 * SIGCOMM 2001, for several positions of a node): each node stands at positions hashed from its id and a number, in
 * proportion to its weight. Whoever wants a slot of a partition is found by walking clockwise from the partition's arc.
 */

import { utf8 } from "@holdfast/base";
import type { Member } from "./member.ts";
import { membersMax } from "./member.ts";
import { murmur3 } from "./murmur3.ts";

const ringPositions = 2 ** 32;

export interface VirtualNodes {
  /** Positions, ascending, below 2^32. */
  readonly positions: Uint32Array;
  /** Who stands there: indexes into the nodes given. */
  readonly owners: Uint16Array;
}

/** Position of a node's virtual node on the ring, below 2^32; `number` from 0. Fixed for ever. */
export function virtualNodePosition(nodeId: string, number: number): number {
  return murmur3(utf8(nodeId), number);
}

/** About four virtual nodes for each partition, so that neighbouring partitions have different neighbours. */
export function virtualNodes(nodes: readonly Member[], partitionCount: number): VirtualNodes {
  const total = 4 * Math.max(partitionCount, 16 * nodes.length);
  const weights = nodes.reduce((sum, { weight }) => sum + weight, 0);
  // A node of very small weight gets a sixteenth of an even share, so that no walk in search of it gets long.
  const least = Math.ceil(total / (16 * nodes.length));
  // Position and owner in one number: equal positions are in the order of owners.
  const places: number[] = [];
  for (const [owner, { id, weight }] of nodes.entries()) {
    const bytes = utf8(id);
    const count = Math.max(least, Math.floor((weight * total) / weights));
    for (let number = 0; number < count; number++) places.push(murmur3(bytes, number) * membersMax + owner);
  }
  const sorted = Float64Array.from(places).sort();
  return {
    positions: Uint32Array.from(sorted, (place) => Math.floor(place / membersMax)),
    owners: Uint16Array.from(sorted, (place) => place % membersMax),
  };
}

/** For each partition, the index of the first virtual node at or behind the start of its arc. */
export function firstOfArcs({ positions }: VirtualNodes, partitionCount: number): Uint32Array {
  const firsts = new Uint32Array(partitionCount);
  let first = 0;
  for (let partition = 0; partition < partitionCount; partition++) {
    const start = Math.floor((partition * ringPositions) / partitionCount);
    while (first < positions.length && (positions[first] ?? 0) < start) first++;
    firsts[partition] = first % positions.length;
  }
  return firsts;
}
