/** Every block that is stored: named by a live stream, or on its way out (S4). A leak is a note. */

import type { BlockId, ContentId } from "@holdfast/base";
import { blockIdText, contentIdText, StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";
import { blockCount, blockId } from "../content/read-content.ts";
import type { StreamPart } from "../shard-reads/content-questions.ts";
import { streamPartQuestion } from "../shard-reads/content-questions.ts";
import type { FsckEvent, FsckNote } from "./findings.ts";
import type { Inspection } from "./inspection.ts";

const streamsPerSlice = 50;
const blocksPerSlice = 500;

export async function* checkStrayBlocks(inspection: Inspection): AsyncGenerator<FsckEvent, void, undefined> {
  let after: ContentId | undefined;
  for (;;) {
    await inspection.pause();
    const streams = inspection.parts.blocks.contents(after, streamsPerSlice);
    for (const stream of streams) yield* checkStream(inspection, stream);
    yield inspection.progress("blocks");
    after = streams.at(-1);
    if (after === undefined) return;
  }
}

async function* checkStream(
  inspection: Inspection,
  stream: ContentId,
): AsyncGenerator<FsckEvent, void, undefined> {
  const found = await askFor(inspection, stream);
  switch (found?.status) {
    case undefined:
      return;
    case "open":
      return;
    case "dead":
      inspection.awaitingErasureBytes += await bytesOf(inspection, stream, () => true);
      return;
    case "garbage":
      yield* stray(stream, await bytesOf(inspection, stream, () => true), inspection);
      return;
    case "live": {
      const { part } = found;
      if (part === undefined) return;
      const isNamed = (id: BlockId): boolean =>
        id.sequence < blockCount(part) && blockIdText(id) === blockIdText(blockId(stream, part, id.sequence));
      yield* stray(stream, await bytesOf(inspection, stream, (id) => !isNamed(id)), inspection);
    }
  }
}

/**
 * In the home shard, wherever it is, and behind the listing of the blocks: what was not committed then and cannot be now never will
 * be. Undefined when it cannot be asked: then nothing is said of these blocks.
 */
async function askFor(
  inspection: Inspection,
  stream: ContentId,
): Promise<Pick<StreamPart, "status" | "part"> | undefined> {
  const home = inspection.shardOf(stream);
  if (home === undefined) return { status: "garbage", part: undefined };
  try {
    return await home.ask(streamPartQuestion, stream);
  } catch (error) {
    if (error instanceof StoreError && error.code === "Unavailable") return undefined;
    throw error;
  }
}

function* stray(stream: ContentId, bytes: number, inspection: Inspection): Generator<FsckNote> {
  if (bytes === 0) return;
  inspection.unreferencedBytes += bytes;
  const content = contentIdText(stream);
  const message = `${bytes} bytes in blocks of ${content} belong to nothing on record: they will be collected.`;
  yield { kind: "note", note: "unreferenced-blocks", message, content, bytes };
}

async function bytesOf(
  inspection: Inspection,
  stream: ContentId,
  isCounted: (id: BlockId) => boolean,
): Promise<number> {
  const { blocks } = inspection.parts;
  let bytes = 0;
  let after: BlockId | undefined;
  do {
    const ids = blocks.blocksOf(stream, after, blocksPerSlice);
    for (const id of ids) if (isCounted(id)) bytes += storedBytes(inspection, id);
    after = ids.length < blocksPerSlice ? undefined : ids.at(-1);
    if (after !== undefined) await inspection.pause();
  } while (after !== undefined);
  return bytes;
}

/** Of a block whose entry is damaged the length is not known. */
function storedBytes({ parts: { blocks } }: Inspection, id: BlockId): number {
  try {
    return blocks.stat(id)?.bytes ?? 0;
  } catch (error) {
    if (error instanceof BlockError && error.kind === "corrupt") return 0;
    throw error;
  }
}
