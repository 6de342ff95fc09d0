/** `holdfast rm`: removes files, with -r all below a name. */

import { StoreError } from "@holdfast/base";
import type { FileToDelete, Store } from "@holdfast/client";
import { UsageError } from "../command-line/failure.ts";
import { countText, printable } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName, folderPrefix, locationText, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { isHopeless } from "../transfer/hopeless.ts";
import { forEachParallel } from "../transfer/limiter.ts";
import type { NameFilter, NamePattern } from "../transfer/name-filter.ts";
import { nameFilter } from "../transfer/name-filter.ts";

export interface RmFlags {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
  readonly patterns?: readonly NamePattern[];
}

/** Batches under way at once. */
const parallel = 4;

export async function rm(session: Session, names: readonly string[], flags: RmFlags): Promise<void> {
  const places = names.map((name) => checkedPlace(name, flags));
  const store = await session.store();
  const counts = { removed: 0, failed: 0 };
  for (const place of places) {
    const before = counts.removed + counts.failed;
    await removeBelow(session, store, place, { flags, counts });
    if (counts.removed + counts.failed === before && flags.force !== true) {
      session.fail(new StoreError("FileNotFound", "there is no such file"), locationText(place));
    }
  }
  const { output } = session;
  const { removed } = counts;
  if (output.json) await output.result({ kind: "summary", removed }, "");
  else if (flags.recursive === true) await output.line(`${countText(removed, "file")} removed`);
}

function checkedPlace(name: string, flags: RmFlags): RemoteLocation {
  const place = parseRemote(name);
  if (flags.recursive !== true && (place.key === "" || place.key.endsWith("/"))) {
    throw new UsageError(`"${name}" is no file: give -r to remove everything below it`);
  }
  return place;
}

interface Removal {
  readonly flags: RmFlags;
  readonly counts: { removed: number; failed: number };
}

/** The name itself, whatever is there; what lies below as it was listed: a file that was replaced since stays. */
async function removeBelow(
  session: Session,
  store: Store,
  place: RemoteLocation,
  { flags, counts }: Removal,
): Promise<void> {
  const remove = async (files: readonly FileToDelete[]): Promise<void> => {
    const { signal } = session;
    signal.throwIfAborted();
    for (const result of await store.deleteFiles(place.bucket, files, { signal })) {
      const name = locationText({ bucket: place.bucket, key: result.key });
      if (result.kind === "failed") {
        if (isHopeless(result.error)) throw result.error;
        counts.failed++;
        session.fail(result.error, name);
      } else if (result.existed) {
        counts.removed++;
        if (flags.verbose === true)
          await session.output.result({ kind: "removed", name: name.slice("hf://".length) }, printable(name));
      }
    }
  };
  if (place.key !== "" && !place.key.endsWith("/")) await remove([{ key: place.key }]);
  if (flags.recursive !== true) return;
  await forEachParallel(
    filesBelow(session, store, place, nameFilter(flags.patterns ?? [])),
    parallel,
    remove,
  );
}

/** In batches, each a request. */
async function* filesBelow(
  session: Session,
  store: Store,
  place: RemoteLocation,
  filter: NameFilter,
): AsyncGenerator<readonly FileToDelete[]> {
  const below = folderPrefix(place.key);
  const folder = fileName({ bucket: place.bucket, key: below });
  for await (const { files } of store.listFiles(folder, { signal: session.signal }).pages()) {
    const wanted: FileToDelete[] = [];
    for (const { name, etag } of files) {
      const key = name.slice(place.bucket.length + 1);
      if (filter(key.slice(below.length))) wanted.push({ key, ifMatch: etag });
    }
    if (wanted.length > 0) yield wanted;
  }
}
