/** `holdfast scrub`: has the node read everything it stores once more. With --wait 0 when it is whole, 1 when not. */

import { setTimeout as wait } from "node:timers/promises";
import type { ScrubStatus } from "@holdfast/client";
import { countText, durationText, printable, sizeText } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";

export interface ScrubFlags {
  readonly wait?: boolean;
}

const pollMs = 300;

export async function scrub(session: Session, _names: readonly string[], flags: ScrubFlags): Promise<void> {
  const { output, signal } = session;
  const store = await session.store();
  const before = (await store.scrubStatus({ signal })).last;
  let status = await store.startScrub({ signal });
  if (flags.wait !== true) {
    await output.result(status, "The scrub has begun; `holdfast scrub --wait` waits for its end.");
    return;
  }
  const isWatched = output.terminal && !output.json;
  // Its result is the first one that is not the one of before.
  while (status.running !== undefined || isSame(status.last, before)) {
    if (isWatched) output.status(progressText(status));
    await wait(pollMs, undefined, { signal });
    status = await store.scrubStatus({ signal });
  }
  if (isWatched) output.status("");
  const { last } = status;
  if (last === undefined) return;
  if (last.damagedBlocks + last.stateProblems.length > 0) process.exitCode = 1;
  await output.result(last, resultText(last));
}

type Result = NonNullable<ScrubStatus["last"]>;

function isSame(a: Result | undefined, b: Result | undefined): boolean {
  return a?.startedAtMs === b?.startedAtMs && a?.finishedAtMs === b?.finishedAtMs;
}

function progressText({ running }: ScrubStatus): string {
  if (running === undefined) return "scrub: about to begin";
  const { blocks, blocksStored, bytes, damagedBlocks } = running;
  const damage = damagedBlocks === 0 ? "" : `, ${damagedBlocks} damaged`;
  return `scrub: ${blocks.toLocaleString("en-US")} of ${countText(blocksStored, "block")}, ${sizeText(bytes)}${damage}`;
}

function resultText(result: Result): string {
  const { blocks, bytes, damaged, damagedBlocks, stateProblems, startedAtMs, finishedAtMs } = result;
  const verdict = damagedBlocks === 0 ? "none damaged" : `${damagedBlocks.toLocaleString("en-US")} DAMAGED`;
  const lines = [
    `${countText(blocks, "block")}, ${sizeText(bytes)}, ${verdict}, in ${durationText(finishedAtMs - startedAtMs)}`,
  ];
  for (const { block, files } of damaged) {
    lines.push(`DAMAGED block ${block}`);
    for (const file of files) lines.push(`  hf://${printable(file)}`);
  }
  for (const problem of stateProblems) lines.push(`DAMAGED state: ${printable(problem)}`);
  return lines.join("\n");
}
