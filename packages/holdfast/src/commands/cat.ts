/** `holdfast cat`: files to standard output. */

import { fileName, parseFile } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export async function cat(session: Session, names: readonly string[]): Promise<void> {
  const files = names.map(parseFile);
  const { output, signal } = session;
  const store = await session.store();
  for (const file of files) {
    for await (const chunk of await store.readFile(fileName(file), { signal })) await output.bytes(chunk);
  }
}
