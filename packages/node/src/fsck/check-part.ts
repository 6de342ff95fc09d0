/**
 * The blocks of one part that by the layout should be on this node: each stored, as long as it has to be, and if that is all of
 * them, together what was committed (S1). With `deep` every byte is read and verified; without, lengths and checksums are those
 * that the block engine keeps. A block is lost only if no other slot has it either.
 */

import type { BlockId, ContentId } from "@holdfast/base";
import { blockIdText, contentIdText, crc32Combine, StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import type { ContentPart, Redundancy } from "@holdfast/namespace";
import { sleep } from "@holdfast/ports";
import { blockCount, blockId } from "../content/read-content.ts";
import { streamStatusesQuestion } from "../shard-reads/content-questions.ts";
import type { FsckNote, FsckProblem, ProblemKind } from "./findings.ts";
import type { Inspection } from "./inspection.ts";
import { isOwedHere, whereaboutsOf } from "./other-slots.ts";

const lookupsPerPause = 256;
/** Blocks about which other nodes are asked together. */
const lackingMax = 500;
const readTriesMax = 100;
const retryMs = 50;

type Look =
  | { readonly kind: "whole"; readonly bytes: number; readonly crc32: number }
  | { readonly kind: "missing" | "damaged"; readonly reason: string };

/** Of one kind. */
interface Fault {
  readonly reason: string;
  readonly first: BlockId;
  count: number;
}

export interface CheckedPart {
  readonly content: ContentId;
  readonly part: ContentPart;
  /** Slots of each of its blocks. */
  readonly width: number;
  readonly files: readonly string[];
}

/** A block that should be whole on this node, and is not. */
interface Lacking {
  readonly id: BlockId;
  readonly bytes: number;
  readonly kind: "missing" | "damaged";
  readonly reason: string;
}

export function widthOf({ dataFragments, parityFragments }: Redundancy): number {
  return dataFragments + parityFragments;
}

/** What is wrong with the part's blocks on this node; nothing when they are not needed any more. */
export async function checkPart(
  inspection: Inspection,
  checked: CheckedPart,
): Promise<readonly (FsckProblem | FsckNote)[]> {
  const { content, part, width } = checked;
  const problems = new Faults<ProblemKind>();
  const notes = new Faults<"replica-missing" | "replica-damaged">();
  let lacking: Lacking[] = [];
  const count = blockCount(part);
  let isAllHere = true;
  let crc32 = 0;
  for (let sequence = 0; sequence < count; sequence++) {
    if (inspection.deep || sequence % lookupsPerPause === lookupsPerPause - 1) await inspection.pause();
    const id = blockId(content, part, sequence);
    if (!isOwedHere(inspection.parts, id, width)) {
      isAllHere = false;
      continue;
    }
    const look = inspection.deep ? await readBlock(inspection, id) : lookUp(inspection, id);
    inspection.blocks++;
    const bytes = Math.min(part.blockBytes, part.bytes - sequence * part.blockBytes);
    if (look.kind !== "whole") {
      isAllHere = false;
      lacking.push({ id, bytes, ...look });
      if (lacking.length < lackingMax) continue;
      await judgeLacking(inspection, lacking, width, problems, notes);
      lacking = [];
      continue;
    }
    inspection.bytes += look.bytes;
    if (look.bytes !== bytes) problems.add("block-length", `${look.bytes} instead of ${bytes} bytes`, id);
    crc32 = crc32Combine(crc32, look.crc32, look.bytes);
  }
  await judgeLacking(inspection, lacking, width, problems, notes);
  if (isAllHere && problems.isEmpty && crc32 !== part.crc32)
    problems.add("part-checksum", "its blocks are not what was committed", blockId(content, part, 0));
  const isClean = problems.isEmpty && notes.isEmpty;
  if (isClean || !(await isNeeded(inspection, content, part))) return [];
  inspection.incompleteReplicas += notes.count;
  return [
    ...problems.map((kind, fault) => describe(inspection, checked, kind, fault)),
    ...notes.map((kind, fault) => replicaNote(checked, kind, fault)),
  ];
}

class Faults<Kind> {
  readonly #faults = new Map<Kind, Fault>();

  get isEmpty(): boolean {
    return this.#faults.size === 0;
  }

  get count(): number {
    return Array.from(this.#faults.values()).reduce((sum, { count }) => sum + count, 0);
  }

  add(kind: Kind, reason: string, first: BlockId): void {
    const known = this.#faults.get(kind);
    if (known === undefined) this.#faults.set(kind, { reason, first, count: 1 });
    else known.count++;
  }

  map<T>(make: (kind: Kind, fault: Fault) => T): readonly T[] {
    return Array.from(this.#faults, ([kind, fault]) => make(kind, fault));
  }
}

/**
 * Of a block that other slots have, or may have, only this node's replica is missing. Looked at once more: the layout may have
 * moved on, or the block have come, while the others were asked.
 */
async function judgeLacking(
  inspection: Inspection,
  lacking: readonly Lacking[],
  width: number,
  problems: Faults<ProblemKind>,
  notes: Faults<"replica-missing" | "replica-damaged">,
): Promise<void> {
  if (lacking.length === 0) return;
  const whereabouts = await whereaboutsOf(inspection.parts, lacking, width);
  for (const { id, kind, reason } of lacking) {
    const isStill = lookUp(inspection, id).kind !== "whole" && isOwedHere(inspection.parts, id, width);
    if (!isStill) continue;
    switch (whereabouts.get(blockIdText(id))) {
      case "elsewhere":
        notes.add(`replica-${kind}`, reason, id);
        break;
      case "unknown":
        notes.add(`replica-${kind}`, `${reason}, and not all others could be asked`, id);
        break;
      case "nowhere":
      case undefined:
        problems.add(`block-${kind}`, reason, id);
    }
  }
}

function replicaNote(
  { content, part }: CheckedPart,
  note: "replica-missing" | "replica-damaged",
  { count, first, reason }: Fault,
): FsckNote {
  const message = `${count} of ${blockCount(part)} blocks of part ${part.number} of content ${contentIdText(content)} should be whole on this node, too: the first is ${blockIdText(first)}: ${reason}.`;
  return { kind: "note", note, message, content: contentIdText(content), bytes: 0 };
}

function describe(
  inspection: Inspection,
  { content, part, files }: CheckedPart,
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
  const [status] = await home.ask(streamStatusesQuestion, [part]);
  return status === "live";
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
