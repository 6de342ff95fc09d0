/**
 * The blocks of one part: each stored, as long as it has to be, and together what was committed (S1). With `deep` every
 * byte is read and verified; without, lengths and checksums are those that the block engine keeps.
 */

import type { BlockId, ContentId } from "@holdfast/base";
import { blockIdText, contentIdText, crc32Combine, StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import type { ContentPart } from "@holdfast/namespace";
import { sleep } from "@holdfast/ports";
import { streamStatus } from "@holdfast/shard";
import { blockCount, blockId } from "../content/read-content.ts";
import type { FsckProblem, ProblemKind } from "./findings.ts";
import type { Inspection } from "./inspection.ts";

const lookupsPerPause = 256;
const readTriesMax = 100;
const retryMs = 50;

type Look =
  | { readonly kind: "whole"; readonly bytes: number; readonly crc32: number }
  | { readonly kind: "missing" | "damaged"; readonly reason: string };

interface Fault {
  readonly reason: string;
  readonly first: BlockId;
  count: number;
}

/** What is wrong with the part; nothing when its blocks are not needed any more. */
export async function checkPart(
  inspection: Inspection,
  content: ContentId,
  part: ContentPart,
  files: readonly string[],
): Promise<readonly FsckProblem[]> {
  const faults = new Map<ProblemKind, Fault>();
  const addFault = (kind: ProblemKind, reason: string, first: BlockId): void => {
    const known = faults.get(kind);
    if (known === undefined) faults.set(kind, { reason, first, count: 1 });
    else known.count++;
  };
  const count = blockCount(part);
  let crc32 = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    if (inspection.deep || sequence % lookupsPerPause === lookupsPerPause - 1) await inspection.pause();
    const id = blockId(content, part, sequence);
    const look = inspection.deep ? await readBlock(inspection, id) : lookUp(inspection, id);
    inspection.blocks++;
    if (look.kind !== "whole") {
      addFault(look.kind === "missing" ? "block-missing" : "block-damaged", look.reason, id);
      continue;
    }
    inspection.bytes += look.bytes;
    const expected = Math.min(part.blockBytes, part.bytes - sequence * part.blockBytes);
    if (look.bytes !== expected) addFault("block-length", `${look.bytes} instead of ${expected} bytes`, id);
    crc32 = crc32Combine(crc32, look.crc32, look.bytes);
  }
  if (faults.size === 0 && crc32 !== part.crc32)
    addFault("part-checksum", "its blocks are not what was committed", blockId(content, part, 0));
  if (faults.size === 0 || !(await isNeeded(inspection, content, part))) return [];
  return [...faults].map(([kind, fault]) => describe(inspection, { content, part, files }, kind, fault));
}

interface Checked {
  readonly content: ContentId;
  readonly part: ContentPart;
  readonly files: readonly string[];
}

function describe(
  inspection: Inspection,
  { content, part, files }: Checked,
  kind: ProblemKind,
  { count, first, reason }: Fault,
): FsckProblem {
  const block = blockIdText(first);
  const what =
    kind === "part-checksum"
      ? `Part ${part.number} of content ${contentIdText(content)} does not have its checksum: ${reason}.`
      : `${count} of ${blockCount(part)} blocks of part ${part.number} of content ${contentIdText(content)}: the first is ${block}: ${reason}.`;
  return inspection.problem(kind, what, { files, content, block });
}

/**
 * Blocks are stored before their stream is recorded and erased after its content died. A stream that is live now,
 * behind the look at its blocks, was live when they were looked at.
 */
async function isNeeded(inspection: Inspection, content: ContentId, part: ContentPart): Promise<boolean> {
  const home = inspection.shardOf(content);
  if (home === undefined) return true;
  return streamStatus(await home.read(), part.writer, part.attempt) === "live";
}

function lookUp({ parts: { blocks } }: Inspection, id: BlockId): Look {
  try {
    const stat = blocks.stat(id);
    if (stat === undefined) return { kind: "missing", reason: "it is not stored" };
    if (stat.damaged) return { kind: "damaged", reason: "it was found damaged" };
    return { kind: "whole", bytes: stat.bytes, crc32: stat.checksum };
  } catch (error) {
    return failedLook(error);
  }
}

async function readBlock({ parts: { blocks, clock } }: Inspection, id: BlockId): Promise<Look> {
  for (let tries = 1; ; tries++) {
    try {
      const { body, checksum } = await blocks.read(id);
      return { kind: "whole", bytes: body.length, crc32: checksum };
    } catch (error) {
      if (!(error instanceof BlockError && error.kind === "busy")) return failedLook(error);
      if (tries === readTriesMax)
        throw new StoreError("Overloaded", "The node has too many files open. Check it again later.", {
          cause: error,
        });
      await sleep(clock, retryMs);
    }
  }
}

function failedLook(error: unknown): Look {
  if (!(error instanceof BlockError)) throw error;
  if (error.kind === "missing") return { kind: "missing", reason: "it is not stored" };
  if (error.kind === "corrupt") return { kind: "damaged", reason: error.message };
  if (error.kind === "closed")
    throw new StoreError("Stopped", "The node stopped while it was being checked. Check it again.", {
      cause: error,
    });
  throw error;
}
