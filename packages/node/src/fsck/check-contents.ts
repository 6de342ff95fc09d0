/** Every stream that is on record: its record, and the blocks of live contents and of parts of open uploads. */

import type { ContentId } from "@holdfast/base";
import { contentIdText, equalContentIds } from "@holdfast/base";
import type { Content, ContentPart, WalkedStream } from "@holdfast/namespace";
import {
  countReferences,
  findContent,
  findPart,
  findStream,
  isQueuedForErasure,
  walkStreams,
} from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import type { ShardReplica } from "../shard-replica.ts";
import { checkPart, widthOf } from "./check-part.ts";
import type { FsckEvent, FsckProblem } from "./findings.ts";
import type { Inspection } from "./inspection.ts";
import { nameFiles } from "./name-files.ts";

const streamsPerSlice = 100;
/** Problems that wait for the names of their files; one walk over all files finds those of all. */
const unnamedMax = 1000;

export async function* checkContents(
  inspection: Inspection,
  shard: ShardReplica,
): AsyncGenerator<FsckEvent, void, undefined> {
  let unnamed: FsckProblem[] = [];
  let from: Uint8Array | undefined;
  do {
    await inspection.pause();
    const state = await shard.read();
    const { items, next } = walkStreams(state, shard.id, { from, limit: streamsPerSlice });
    const judged = judgeStreams(state, items);
    for (const { id, faults, parts, width } of judged) {
      for (const message of faults)
        unnamed.push(inspection.problem("content-inconsistent", message, { content: id }));
      if (parts.length > 0) inspection.contents++;
      for (const part of parts) {
        for (const finding of await checkPart(inspection, { content: id, part, width, files: [] }))
          if (finding.kind === "problem") unnamed.push(finding);
          else yield finding;
        yield inspection.progress("contents");
      }
    }
    if (unnamed.length >= unnamedMax || (next === undefined && unnamed.length > 0)) {
      yield* nameFiles(inspection, unnamed);
      unnamed = [];
    }
    from = next;
  } while (from !== undefined);
}

interface JudgedStream {
  readonly id: ContentId;
  readonly faults: readonly string[];
  /** Whose blocks have to be there. */
  readonly parts: readonly ContentPart[];
  /** Slots of each block. */
  readonly width: number;
}

/** In one run with the slice: the shard's records agree behind every entry. */
function judgeStreams(state: StateReader, items: readonly WalkedStream[]): readonly JudgedStream[] {
  const partsOfContent = new Map<string, ReadonlySet<string>>();
  // Streams of one upload stand side by side: its parts are gathered once a slice.
  const isPartOf = (into: ContentId, id: ContentId): boolean => {
    const name = contentIdText(into);
    let known = partsOfContent.get(name);
    if (known === undefined) {
      known = new Set((findContent(state, into)?.parts ?? []).map(streamName));
      partsOfContent.set(name, known);
    }
    return known.has(streamName(id));
  };
  return items.map(({ id, record }) => {
    switch (record.kind) {
      case "content":
        return { id, ...judgeContent(state, id, record.content) };
      case "uploadPart": {
        const part = findPart(state, record.upload, record.part)?.part;
        if (part !== undefined && streamName(part) === streamName(id))
          return { id, faults: [], parts: [part], width: widthOf(record.redundancy) };
        const fault = `Stream ${contentIdText(id)} is on record as a part of an upload that does not name it.`;
        return { id, faults: [fault], parts: [], width: 0 };
      }
      case "absorbed": {
        const fault = `Stream ${contentIdText(id)} is on record as a part of a content that does not name it.`;
        return { id, faults: isPartOf(record.into, id) ? [] : [fault], parts: [], width: 0 };
      }
    }
  });
}

function judgeContent(state: StateReader, id: ContentId, content: Content): Omit<JudgedStream, "id"> {
  const name = `Content ${contentIdText(id)}`;
  const faults: string[] = [];
  const isReferenced = countReferences(state, id, 1) > 0;
  const isLive = content.deadSinceMs === undefined;
  if (!equalContentIds(content.id, id)) faults.push(`${name} is recorded under another's name.`);
  if (isLive && !isReferenced) faults.push(`${name} is live and nobody refers to it: it never dies.`);
  if (!isLive && isReferenced) faults.push(`${name} is dead and referred to.`);
  if (!isLive && !isQueuedForErasure(state, content))
    faults.push(`${name} is dead and not queued to be erased.`);
  let bytes = 0;
  for (const part of content.parts) {
    bytes += part.bytes;
    const stream = findStream(state, part.writer, part.attempt);
    const isOwn = streamName(part) === streamName(id);
    const isAbsorbed = stream?.kind === "absorbed" && equalContentIds(stream.into, id);
    if (!isOwn && !isAbsorbed) faults.push(`Part ${part.number} of ${name} has no record of its stream.`);
  }
  if (bytes !== content.bytes)
    faults.push(`${name} has ${bytes} bytes in its parts, its record says ${content.bytes}.`);
  return { faults, parts: isLive ? content.parts : [], width: widthOf(content.redundancy) };
}

function streamName({ writer, attempt }: Pick<ContentPart, "writer" | "attempt">): string {
  return `${writer}.${attempt}`;
}
