/** `holdfast du`: adds up the files below. */

import { printable, sizeText } from "../command-line/format.ts";
import { fileName, folderPrefix, locationText, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export interface DuFlags {
  readonly human?: boolean;
}

export async function du(session: Session, names: readonly string[], flags: DuFlags): Promise<void> {
  const places = names.map(parseRemote);
  const { output, signal } = session;
  const store = await session.store();
  for (const { bucket, key } of places) {
    const place = { bucket, key: folderPrefix(key) };
    let bytes = 0;
    let files = 0;
    for await (const page of store.listFiles(fileName(place), { signal }).pages()) {
      files += page.files.length;
      for (const file of page.files) bytes += file.bytes;
    }
    const size = flags.human === true ? sizeText(bytes) : String(bytes);
    await output.result(
      { kind: "usage", ...place, bytes, files },
      `${size.padStart(flags.human === true ? 8 : 13)}  ${String(files).padStart(9)}  ${printable(locationText(place))}`,
    );
  }
}
