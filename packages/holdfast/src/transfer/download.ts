/**
 * One file out of the store. A local file is the old one or the new one, never a part: it is written aside and renamed when its
 * checksum holds. Large files, and those that are moved, are on stable storage when this resolves; small copies are as cp(1) leaves
 * them.
 */

import { stat } from "node:fs/promises";
import type { FileInfo, LocalAttributes } from "@holdfast/client";
import { Failure } from "../command-line/failure.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName } from "../command-line/location.ts";
import { attributesOf } from "./file-metadata.ts";
import type { TransferContext } from "./transfer-context.ts";
import { largeBytesMin } from "./transfer-context.ts";

/** Resolves with the file's size. `listedBytes` is what a listing said of it. */
export async function downloadFile(
  from: RemoteLocation,
  path: string,
  listedBytes: number | undefined,
  context: TransferContext,
): Promise<number> {
  const { store, signal, move, resume } = context;
  if (context.onlyNew) await refuseExisting(path);
  const download = (): Promise<FileInfo> =>
    store.downloadFile(
      fileName(from),
      { path },
      {
        signal,
        resume,
        sync: move,
        attributes: localAttributes,
        onProgress: ({ receivedBytes }) => context.onBytes(receivedBytes),
      },
    );
  const isLarge = (listedBytes ?? 0) >= largeBytesMin;
  const info = isLarge ? await context.large(download) : await download();
  // Only the version that was copied.
  if (move) await store.deleteFile(fileName(from), { ifMatch: info.etag, signal });
  return info.bytes;
}

function localAttributes(info: FileInfo): LocalAttributes {
  const { mode, modifiedAtSeconds = info.modifiedAtMs / 1000 } = attributesOf(info.userMetadata);
  return { mode, modifiedAtSeconds };
}

async function refuseExisting(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  throw new Failure(`${path} exists`, {
    code: "FileExists",
    next: "leave --if-none-match out to replace it",
  });
}
