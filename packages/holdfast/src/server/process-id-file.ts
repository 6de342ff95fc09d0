/** `pid` in the data directory: which process serves it. For people and scripts; the directory lock is what keeps two out. */

import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { processIdFileName } from "./data-files.ts";

export async function writeProcessId(directory: string): Promise<void> {
  await writeFile(join(directory, processIdFileName), `${process.pid}\n`);
}

export async function removeProcessId(directory: string): Promise<void> {
  await rm(join(directory, processIdFileName), { force: true });
}

/** Undefined when the file is missing or holds no process id. */
export async function readProcessId(directory: string): Promise<number | undefined> {
  const text = await readFile(join(directory, processIdFileName), "utf8").catch(() => "");
  return /^[1-9]\d{0,9}\n?$/.test(text) ? Number(text) : undefined;
}
