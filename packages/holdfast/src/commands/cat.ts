/** `holdfast cat`: files, or ranges of them, to standard output. */

import type { ReadFileOptions } from "@holdfast/client";
import { UsageError } from "../command-line/failure.ts";
import { fileName, parseFile } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export interface CatFlags {
  readonly range?: string;
}

export async function cat(session: Session, names: readonly string[], flags: CatFlags): Promise<void> {
  const files = names.map(parseFile);
  const range = flags.range === undefined ? undefined : parseRange(flags.range);
  const { output, signal } = session;
  const store = await session.store();
  for (const file of files) {
    for await (const chunk of await store.readFile(fileName(file), { range, signal }))
      await output.bytes(chunk);
  }
}

/** "FIRST-LAST", both included, "FIRST-" or "-COUNT", as HTTP has it. */
export function parseRange(text: string): ReadFileOptions["range"] {
  const [, first = "", last = ""] = /^(\d{0,15})-(\d{0,15})$/.exec(text) ?? [];
  if (first === "" && last !== "") return { lastBytes: Number(last) };
  if (first !== "" && last === "") return { first: Number(first) };
  if (first !== "" && Number(first) <= Number(last)) return { first: Number(first), last: Number(last) };
  throw new UsageError(`--range: "${text}" is no range of bytes; expected 0-99, 100- or -100`);
}
