/** `holdfast ls`: buckets, or files and folders whose names begin with what is given, as in AWS' tool. */

import type { ListedEntry, Store } from "@holdfast/client";
import { printable, sizeText, timeText } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export interface LsFlags {
  readonly long?: boolean;
  readonly human?: boolean;
  readonly recursive?: boolean;
}

export async function ls(session: Session, names: readonly string[], flags: LsFlags): Promise<void> {
  const [name] = names;
  const store = await session.store();
  if (name === undefined || name === "hf://") return listBuckets(session, store, flags);
  return listFiles(session, store, parseRemote(name), flags);
}

async function listBuckets({ output, signal }: Session, store: Store, flags: LsFlags): Promise<void> {
  for (const bucket of await store.listBuckets({ signal })) {
    const name = `hf://${bucket.name}`;
    const text = flags.long === true ? `${timeText(bucket.createdAtMs)}  ${name}` : name;
    await output.result({ kind: "bucket", ...bucket }, text);
  }
}

async function listFiles(
  session: Session,
  store: Store,
  place: RemoteLocation,
  flags: LsFlags,
): Promise<void> {
  const { output, signal } = session;
  const recursive = flags.recursive === true;
  const listing = store.listFiles(fileName(place), { signal, ...(recursive ? {} : { delimiter: "/" }) });
  // Names are shown without the folder they were asked for; whole keys with -r.
  const shownFrom = place.bucket.length + 1 + (recursive ? 0 : place.key.lastIndexOf("/") + 1);
  for await (const page of listing.pages()) {
    const entries: ListedEntry[] = [...page.files, ...page.prefixes];
    if (page.prefixes.length > 0) entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const key = entry.name.slice(place.bucket.length + 1);
      await output.result(
        entryDocument(entry, place.bucket, key),
        entryText(entry, entry.name.slice(shownFrom), flags),
      );
    }
  }
}

function entryDocument(entry: ListedEntry, bucket: string, key: string): unknown {
  if (entry.kind === "prefix") return { kind: "prefix", bucket, key };
  const { bytes, etag, modifiedAtMs } = entry;
  return { kind: "file", bucket, key, bytes, etag, modifiedAt: new Date(modifiedAtMs).toISOString() };
}

const timeWidth = "2026-01-01 00:00:00".length;

/** Columns of fixed width: a listing may be endless, and is printed as it comes. */
function entryText(entry: ListedEntry, shown: string, flags: LsFlags): string {
  const name = printable(shown);
  if (flags.long !== true) return name;
  const width = flags.human === true ? 8 : 13;
  if (entry.kind === "prefix") return `${" ".repeat(width + 2 + timeWidth)}  ${name}`;
  const size = flags.human === true ? sizeText(entry.bytes) : String(entry.bytes);
  return `${size.padStart(width)}  ${timeText(entry.modifiedAtMs)}  ${name}`;
}
