/** `holdfast du`: adds up the files below, also per folder. */

import { UsageError } from "../command-line/failure.ts";
import { printable, sizeText } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName, folderPrefix, locationText, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { parseCount } from "../command-line/size.ts";
import type { Usage } from "../transfer/folder-usage.ts";
import { FolderUsage } from "../transfer/folder-usage.ts";

export interface DuFlags {
  readonly human?: boolean;
  readonly depth?: string;
  readonly total?: boolean;
}

const depthMax = 1024;

export async function du(session: Session, names: readonly string[], flags: DuFlags): Promise<void> {
  const depth = parseCount(flags.depth ?? "0", "--depth", 0, depthMax);
  const places = names.map(parseRemote);
  if (places.length === 0) throw new UsageError("give a bucket or a folder in it");
  const { output } = session;
  const total = { bytes: 0, files: 0 };
  for (const place of places) {
    const { bytes, files } = await usageOf(session, place, depth, flags);
    total.bytes += bytes;
    total.files += files;
  }
  if (flags.total === true)
    await output.result({ kind: "total", ...total }, usageText(total, "total", flags));
}

/** Folders come before what holds them, as du(1) prints them: a row is complete when its folder has ended. */
async function usageOf(
  session: Session,
  place: RemoteLocation,
  depth: number,
  flags: DuFlags,
): Promise<Usage> {
  const { output, signal } = session;
  const store = await session.store();
  const { bucket } = place;
  const top = folderPrefix(place.key);
  const print = async (row: Usage & { readonly folder: string }): Promise<void> => {
    const key = top + row.folder;
    const { bytes, files } = row;
    const text = usageText(row, locationText({ bucket, key }), flags);
    await output.result({ kind: "usage", bucket, key, bytes, files }, text);
  };
  const usage = new FolderUsage(depth);
  for await (const page of store.listFiles(fileName({ bucket, key: top }), { signal }).pages()) {
    for (const file of page.files) {
      const relative = file.name.slice(bucket.length + 1 + top.length);
      for (const row of usage.add(relative, file.bytes)) await print(row);
    }
  }
  const rows = usage.end();
  for (const row of rows) await print(row);
  return usage.total;
}

function usageText({ bytes, files }: Usage, name: string, flags: DuFlags): string {
  const size = flags.human === true ? sizeText(bytes).padStart(8) : String(bytes).padStart(13);
  return `${size}  ${String(files).padStart(9)}  ${printable(name)}`;
}
