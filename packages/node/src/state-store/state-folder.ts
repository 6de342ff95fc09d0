/**
 * Which folder of the data directory has the state store, in a file beside it. A store that is damaged is not mended: another takes
 * its place, in a folder of its own, and is filled from other nodes (S12). The file alone says which of them counts:
 *
 *   { generation: 3, damage }   the store in state-3 is damaged: whoever starts on it makes another
 *   { generation: 4 }           state-4 counts, in which every group is marked as one to be loaded; state-3 is garbage once they are
 *
 * A crash leaves one or the other. A directory without the file has its state in `state`: generation 0.
 */

import type { Codec } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  decodeOrNothing,
  encode,
  integer,
  optional,
  record,
  StoreError,
  text,
  versioned,
} from "@holdfast/base";
import type { Disk, Hashing } from "@holdfast/ports";
import { DiskError, listIfPresent, readWhole, replaceWhole } from "@holdfast/ports";
import { folders } from "../identity.ts";

export interface StateFolder {
  readonly generation: number;
  /** What was found in this generation. */
  readonly damage: string | undefined;
}

const fileName = "state-folder";
const checksumBytes = 4;

const stateFolderCodec: Codec<StateFolder> = versioned(
  1,
  record({ generation: integer, damage: optional(text) }),
);

export function folderOf(generation: number): string {
  return generation === 0 ? folders.state : `${folders.state}-${generation}`;
}

/** Throws StoreError "DataCorrupt" when the file is there and not whole. */
export async function readStateFolder(disk: Disk, hashing: Hashing): Promise<StateFolder> {
  const sealed = await readWhole(disk, fileName);
  if (sealed === undefined) return { generation: 0, damage: undefined };
  const bytes = sealed.subarray(0, Math.max(0, sealed.length - checksumBytes));
  const isWhole =
    sealed.length > checksumBytes &&
    hashing.crc32(bytes) === new ByteReader(sealed.subarray(bytes.length)).u32();
  const found = isWhole ? decodeOrNothing(stateFolderCodec, bytes) : undefined;
  if (found !== undefined) return found;
  const message = `${fileName} of the data directory is damaged. Restore it from a backup; nothing was changed.`;
  throw new StoreError("DataCorrupt", message);
}

export function storeStateFolder(disk: Disk, hashing: Hashing, folder: StateFolder): Promise<void> {
  const bytes = encode(stateFolderCodec, folder);
  const sealed = new ByteWriter(bytes.length + checksumBytes);
  sealed.raw(bytes);
  sealed.u32(hashing.crc32(bytes));
  return replaceWhole(disk, "", fileName, sealed.finish());
}

/**
 * Whatever is stored goes, and the next store that is opened is an empty one. What a start that was to make the next generation has left there
 * is passed over. Cut short, it leaves a part of what there was: the caller has to know, and to begin anew.
 */
export async function forgetStates(disk: Disk, hashing: Hashing): Promise<void> {
  const { generation } = await readStateFolder(disk, hashing);
  for (const old of [generation, generation + 1]) await removeStateFolder(disk, old);
  await storeStateFolder(disk, hashing, { generation: generation + 2, damage: undefined });
}

/** Of a generation that counts no more; fine if there is none. */
export async function removeStateFolder(disk: Disk, generation: number): Promise<void> {
  const folder = folderOf(generation);
  for (const name of await listIfPresent(disk, folder)) {
    try {
      await disk.remove(`${folder}/${name}`);
    } catch (error) {
      // Garbage that stays costs room, and the next start looks again.
      if (!(error instanceof DiskError)) throw error;
    }
  }
}
