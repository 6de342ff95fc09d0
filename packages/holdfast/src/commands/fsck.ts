/** `holdfast fsck`: what the node stores, checked against itself. Reads only; 0 when clean, 1 when not. */

import type { FsckEvent, FsckSummary } from "@holdfast/client";
import { countText, printable, sizeText } from "../command-line/format.ts";
import { fileName, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export interface FsckFlags {
  readonly deep?: boolean;
}

export async function fsck(session: Session, names: readonly string[], flags: FsckFlags): Promise<void> {
  const { output, signal } = session;
  const [name] = names;
  const within = name === undefined ? undefined : fileName(parseRemote(name));
  const store = await session.store();
  const isWatched = output.terminal && !output.json;
  for await (const event of store.fsck({ deep: flags.deep, within, signal })) {
    if (event.kind === "progress") {
      if (isWatched) output.status(progressText(event));
      continue;
    }
    if (isWatched) output.status("");
    await output.result(event, eventText(event));
    if (event.kind === "summary" && !event.clean) process.exitCode = 1;
  }
}

function progressText(progress: Extract<FsckEvent, { readonly kind: "progress" }>): string {
  const { stage, files, blocks, blocksStored, bytes } = progress;
  const done = `${blocks.toLocaleString("en-US")} of ${countText(blocksStored, "block")}`;
  return `checking ${stage}: ${countText(files, "file")}, ${done}, ${sizeText(bytes)}`;
}

function eventText(event: Exclude<FsckEvent, { readonly kind: "progress" }>): string {
  switch (event.kind) {
    case "problem": {
      const files = event.files.map((file) => `\n  hf://${printable(file)}`).join("");
      return `PROBLEM ${event.problem}: ${printable(event.message)}${files}`;
    }
    case "note":
      return `note ${event.note}: ${printable(event.message)}`;
    case "summary":
      return summaryText(event);
  }
}

function summaryText(summary: FsckSummary): string {
  const { clean, problems, files, blocks, bytes, unreferencedBytes, awaitingErasureBytes } = summary;
  const verdict = clean ? "clean" : countText(problems, "problem");
  const waiting = unreferencedBytes + awaitingErasureBytes;
  const rest = waiting === 0 ? "" : `; ${sizeText(waiting)} wait to be collected`;
  return `${verdict}: ${countText(files, "file")}, ${countText(blocks, "block")}, ${sizeText(bytes)}${rest}`;
}
