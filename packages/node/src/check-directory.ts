/**
 * A look at the whole data directory before anything in it is changed: what a newer program wrote, and a directory with
 * pieces missing, are refused as they are (S11).
 */

import { StoreError, UnsupportedVersionError } from "@holdfast/base";
import { BlockError, checkBlockFormats, checkIndexFormat } from "@holdfast/blocks";
import type { Disk, Hashing, KeyValue } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { checkStateFormat } from "@holdfast/state";
import { checkSegments, WalError } from "@holdfast/wal";
import type { Identity } from "./identity.ts";
import { folders, isForgetting } from "./identity.ts";
import { rejoinHint } from "./refusal.ts";
import { isUnreadable } from "./state-store/check-states.ts";

/** Throws a StoreError that names what is newer or missing. */
export async function checkFiles(disk: Disk, hashing: Hashing, identity: Identity): Promise<void> {
  try {
    const hasLog = isForgetting(identity) || (await checkSegments(disk, folders.log, hashing));
    const hasBlocks = await checkBlockFormats(disk, folders.blocks, hashing);
    if (!identity.complete || (hasLog && hasBlocks)) return;
    throw missing(hasLog ? folders.blocks : folders.log);
  } catch (error) {
    throw newer(error, "");
  }
}

/** A log that is given up may be missing or damaged, but no newer program's. */
export async function checkGivenUpLog(disk: Disk, hashing: Hashing): Promise<void> {
  try {
    await checkSegments(disk, folders.log, hashing);
  } catch (error) {
    if (!(error instanceof WalError || error instanceof DiskError)) throw newer(error, "");
  }
}

/** `state`: unless it is not to be read; `mayBeDamaged`: other nodes have what a damaged record of it stands for (S12). */
export function checkStores(
  state: KeyValue | undefined,
  index: KeyValue,
  { hashing, mayBeDamaged }: { readonly hashing: Hashing; readonly mayBeDamaged: boolean },
): void {
  try {
    if (state !== undefined) checkStateFormat(state, hashing);
  } catch (error) {
    const isDamage = isUnreadable(error) && !(error instanceof UnsupportedVersionError);
    if (!mayBeDamaged || !isDamage) throw newer(error, `${folders.state}: `);
  }
  try {
    checkIndexFormat(index, hashing);
  } catch (error) {
    throw newer(error, `${folders.blockIndex}: `);
  }
}

function newer(error: unknown, where: string): unknown {
  const isNewer =
    error instanceof UnsupportedVersionError || (error instanceof BlockError && error.kind === "unusable");
  if (!isNewer) return error;
  const message = `${where}${error.message}. A newer Holdfast wrote this data directory: start that one on it. Nothing was changed.`;
  return new StoreError("NotImplemented", message, { cause: error });
}

function missing(folder: string): StoreError {
  const next = folder === folders.log ? ` ${rejoinHint}` : "";
  return new StoreError(
    "DataCorrupt",
    `The data directory lacks what was in "${folder}". Mount or restore that folder; without it acknowledged files would be lost. Nothing was changed.${next}`,
  );
}
