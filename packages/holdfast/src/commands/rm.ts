/** `holdfast rm`: removes files, with -r all below a name. */

import { StoreError } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import { UsageError } from "../command-line/failure.ts";
import { countText, printable } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName, folderPrefix, locationText, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { isHopeless } from "../transfer/hopeless.ts";
import { forEachParallel } from "../transfer/limiter.ts";

export interface RmFlags {
  readonly recursive?: boolean;
  readonly force?: boolean;
  readonly verbose?: boolean;
}

const parallel = 32;

export async function rm(session: Session, names: readonly string[], flags: RmFlags): Promise<void> {
  const places = names.map((name) => checkedPlace(name, flags));
  const store = await session.store();
  let removed = 0;
  for (const place of places) {
    const found = await removeBelow(session, store, place, flags);
    if (found === 0 && flags.force !== true) {
      session.fail(new StoreError("FileNotFound", "there is no such file"), locationText(place));
    }
    removed += found;
  }
  const { output } = session;
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

/** How many files there were. */
async function removeBelow(
  session: Session,
  store: Store,
  place: RemoteLocation,
  flags: RmFlags,
): Promise<number> {
  let found = 0;
  const remove = async (name: string): Promise<void> => {
    session.signal.throwIfAborted();
    try {
      const { existed } = await store.deleteFile(name, { signal: session.signal });
      if (!existed) return;
      found++;
      if (flags.verbose === true)
        await session.output.result({ kind: "removed", name }, printable(`hf://${name}`));
    } catch (error) {
      if (isHopeless(error) || session.signal.aborted) throw error;
      found++;
      session.fail(error, `hf://${name}`);
    }
  };
  if (place.key !== "" && !place.key.endsWith("/")) await remove(fileName(place));
  if (flags.recursive !== true) return found;
  await forEachParallel(namesBelow(session, store, place), parallel, remove);
  return found;
}

async function* namesBelow(session: Session, store: Store, place: RemoteLocation): AsyncGenerator<string> {
  const folder = fileName({ bucket: place.bucket, key: folderPrefix(place.key) });
  for await (const entry of store.listFiles(folder, { signal: session.signal })) yield entry.name;
}
