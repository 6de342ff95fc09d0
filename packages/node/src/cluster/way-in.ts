/**
 * Where a start finds the others, in a file of the data directory beside the state that says the same: of a node whose copy of the
 * system group is damaged it is all there is to go by (S12). Kept in step by NodeCluster before it lets anybody vote.
 */

import { ByteReader, ByteWriter, decodeOrNothing, encode } from "@holdfast/base";
import type { Disk, Hashing } from "@holdfast/ports";
import { readWhole, replaceWhole } from "@holdfast/ports";
import type { ClusterSeed } from "./cluster-seed.ts";
import { clusterSeedCodec } from "./cluster-seed.ts";

const fileName = "way-in";
const checksumBytes = 4;

/** Undefined where there is none, or none that is whole. */
export async function readWayIn(disk: Disk, hashing: Hashing): Promise<ClusterSeed | undefined> {
  const sealed = await readWhole(disk, fileName);
  if (sealed === undefined || sealed.length < checksumBytes) return undefined;
  const bytes = sealed.subarray(0, sealed.length - checksumBytes);
  if (hashing.crc32(bytes) !== new ByteReader(sealed.subarray(bytes.length)).u32()) return undefined;
  return decodeOrNothing(clusterSeedCodec, bytes);
}

export function storeWayIn(disk: Disk, hashing: Hashing, seed: ClusterSeed): Promise<void> {
  const bytes = encode(clusterSeedCodec, seed);
  const sealed = new ByteWriter(bytes.length + checksumBytes);
  sealed.raw(bytes);
  sealed.u32(hashing.crc32(bytes));
  return replaceWhole(disk, "", fileName, sealed.finish());
}
