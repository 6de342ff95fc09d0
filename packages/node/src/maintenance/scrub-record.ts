/**
 * How far the scrub is and what the last one found, in a file of the data directory, so that a restart goes on instead of
 * starting anew. Nothing depends on it: lost or damaged, the scrub begins again.
 */

import type { BlockId, Codec } from "@holdfast/base";
import {
  ByteReader,
  ByteWriter,
  blockIdCodec,
  decodeOrNothing,
  encode,
  integer,
  list,
  optional,
  record,
  text,
  versioned,
} from "@holdfast/base";
import type { Disk, Hashing } from "@holdfast/ports";
import { readWhole, replaceWhole } from "@holdfast/ports";

export interface DamagedBlock {
  readonly block: string;
  /** As `bucket/key`; of a content that many files share, some. */
  readonly files: readonly string[];
}

export interface ScrubResult {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly blocks: number;
  readonly bytes: number;
  /** Of files and of parts of open uploads; not repaired. */
  readonly damagedBlocks: number;
  /** Were damaged here, and have come whole from another slot. */
  readonly repairedBlocks: number;
  /** The first of the damaged ones. */
  readonly damaged: readonly DamagedBlock[];
  /** What is wrong with the state (S12), in sentences. */
  readonly stateProblems: readonly string[];
}

/** A scrub on its way. */
export interface ScrubPass {
  readonly startedAtMs: number;
  /** Everything up to this block was read. */
  readonly after: BlockId | undefined;
  readonly blocks: number;
  readonly bytes: number;
  readonly damagedBlocks: number;
  /** The first of them. */
  readonly damaged: readonly BlockId[];
  /** On the list of incomplete blocks, since other slots may have them: what came of that shows at the end. */
  readonly listed: readonly BlockId[];
  readonly stateProblems: readonly string[];
}

export interface ScrubRecord {
  readonly pass: ScrubPass | undefined;
  readonly last: ScrubResult | undefined;
}

const found = { blocks: integer, bytes: integer, damagedBlocks: integer, stateProblems: list(text) };
const passFields = {
  startedAtMs: integer,
  after: optional(blockIdCodec),
  damaged: list(blockIdCodec),
  ...found,
} as const;
const resultFields = {
  startedAtMs: integer,
  finishedAtMs: integer,
  damaged: list(record({ block: text, files: list(text) })),
  ...found,
} as const;
const withoutRepair = record({
  pass: optional(record(passFields)),
  last: optional(record(resultFields)),
});

const scrubRecordCodec: Codec<ScrubRecord> = versioned(
  2,
  record({
    pass: optional(record({ ...passFields, listed: list(blockIdCodec) })),
    last: optional(record({ ...resultFields, repairedBlocks: integer })),
  }),
  {
    // Written before there was another slot to repair from.
    1: (reader) => {
      const { pass, last } = withoutRepair.read(reader);
      return { pass: pass && { ...pass, listed: [] }, last: last && { ...last, repairedBlocks: 0 } };
    },
  },
);

const fileName = "scrub";
const nothing: ScrubRecord = { pass: undefined, last: undefined };

export async function loadScrubRecord(disk: Disk, hashing: Hashing): Promise<ScrubRecord> {
  const sealed = await readWhole(disk, fileName);
  if (sealed === undefined || sealed.length < 4) return nothing;
  const bytes = sealed.subarray(0, sealed.length - 4);
  if (hashing.crc32(bytes) !== new ByteReader(sealed.subarray(bytes.length)).u32()) return nothing;
  return decodeOrNothing(scrubRecordCodec, bytes) ?? nothing;
}

export function storeScrubRecord(disk: Disk, hashing: Hashing, scrub: ScrubRecord): Promise<void> {
  const bytes = encode(scrubRecordCodec, scrub);
  const sealed = new ByteWriter(bytes.length + 4);
  sealed.raw(bytes);
  sealed.u32(hashing.crc32(bytes));
  return replaceWhole(disk, "", fileName, sealed.finish());
}
