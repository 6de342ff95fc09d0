/** Questions about contents, streams and references that are homed in one shard, and about its writers. */

import type { Attempt, Codec, ContentId, ShardId, WriterId } from "@holdfast/base";
import {
  boolean,
  branded,
  contentIdCodec,
  oneOf,
  optional,
  record,
  text,
  union,
  variant,
} from "@holdfast/base";
import type { Content, ContentPart, Redundancy } from "@holdfast/namespace";
import {
  contentCodec,
  contentPartCodec,
  findContent,
  findPart,
  findStream,
  hasReference,
} from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import type { StreamStatus } from "@holdfast/shard";
import { listWriters, referenceStatus, streamStatus } from "@holdfast/shard";
import type { ContentStatus } from "../cluster/layout-ports.ts";
import { atMost, shortList } from "../network/bounded-codecs.ts";
import { ShardQuestion } from "./shard-question.ts";

/** Streams or references in one question. */
export const statusesMax = 1000;
const widthMax = 255;
const writersMax = 10_000;

/** Of a stream: its home is the shard that is asked. */
export interface AskedStream {
  readonly writer: WriterId;
  readonly attempt: Attempt;
}

const streamCodec = record({ writer: branded<WriterId>(), attempt: branded<Attempt>() });

export const contentQuestion: ShardQuestion<AskedStream, Content | undefined> = new ShardQuestion({
  tag: 20,
  asked: streamCodec,
  answer: optional(contentCodec),
  find: (state, stream, shard) => findContent(state, idOf(shard, stream)),
});

/** Dead, or not on record and never to be. */
export const isContentGoneQuestion: ShardQuestion<AskedStream, boolean> = new ShardQuestion({
  tag: 21,
  asked: streamCodec,
  answer: boolean,
  find: (state, stream, shard) => {
    const content = findContent(state, idOf(shard, stream));
    return content === undefined || content.deadSinceMs !== undefined;
  },
});

/** A content as a version sees it that refers to it. */
export interface ReferredContent {
  readonly content: Content;
  /** The reference is one of the content's. */
  readonly isReferred: boolean;
}

export const referredQuestion: ShardQuestion<
  AskedStream & { readonly reference: ContentId },
  ReferredContent | undefined
> = new ShardQuestion({
  tag: 22,
  asked: record({ writer: branded<WriterId>(), attempt: branded<Attempt>(), reference: contentIdCodec }),
  answer: optional(record({ content: contentCodec, isReferred: boolean })),
  find: (state, { reference, ...stream }, shard) => {
    const id = idOf(shard, stream);
    const content = findContent(state, id);
    return content === undefined ? undefined : { content, isReferred: hasReference(state, id, reference) };
  },
});

const contentStatusCodec: Codec<{ readonly status: ContentStatus }> = (() => {
  const codec = union({
    gone: variant(1, record({})),
    open: variant(2, record({})),
    width: variant(3, record({ width: atMost(widthMax) })),
  });
  return {
    write: (writer, { status }) =>
      codec.write(writer, typeof status === "string" ? { kind: status } : { kind: "width", ...status }),
    read: (reader) => {
      const said = codec.read(reader);
      return { status: said.kind === "width" ? { width: said.width } : said.kind };
    },
  };
})();

/** For those who move its blocks (S3, S7). */
export const contentStatusQuestion: ShardQuestion<AskedStream, { readonly status: ContentStatus }> =
  new ShardQuestion({
    tag: 23,
    asked: streamCodec,
    answer: contentStatusCodec,
    find: (state, stream) => ({ status: contentStatus(state, stream) }),
  });

/** For those who erase its blocks (S4): behind a listing of the blocks. In the order asked. */
export const streamStatusesQuestion: ShardQuestion<readonly AskedStream[], readonly StreamStatus[]> =
  new ShardQuestion({
    tag: 24,
    asked: shortList(streamCodec, statusesMax),
    answer: shortList(oneOf(["live", "open", "dead", "garbage"] as const), statusesMax),
    find: (state, streams) => streams.map(({ writer, attempt }) => streamStatus(state, writer, attempt)),
  });

/** Of references that attempts of this shard took (S5), in the order asked. */
export const referenceStatusesQuestion: ShardQuestion<
  readonly AskedStream[],
  readonly ("held" | "open" | "gone")[]
> = new ShardQuestion({
  tag: 25,
  asked: shortList(streamCodec, statusesMax),
  answer: shortList(oneOf(["held", "open", "gone"] as const), statusesMax),
  find: (state, references, shard) =>
    references.map((reference) => referenceStatus(state, idOf(shard, reference))),
});

/** What a stream's blocks should be. */
export interface StreamPart {
  readonly status: StreamStatus;
  /** Undefined where nothing names the stream. */
  readonly part: ContentPart | undefined;
  /** Slots of each of its blocks; undefined when it is not live. */
  readonly width: number | undefined;
}

export const streamPartQuestion: ShardQuestion<AskedStream, StreamPart> = new ShardQuestion({
  tag: 26,
  asked: streamCodec,
  answer: record({
    status: oneOf(["live", "open", "dead", "garbage"] as const),
    part: optional(contentPartCodec),
    width: optional(atMost(widthMax)),
  }),
  find: (state, stream, shard) => {
    const width = contentStatus(state, stream);
    return {
      status: streamStatus(state, stream.writer, stream.attempt),
      part: partOf(state, stream, shard),
      width: typeof width === "string" ? undefined : width.width,
    };
  },
});

/** The content that a stream's blocks belong to: its own, or that of the upload that absorbed it. */
export const ownerQuestion: ShardQuestion<AskedStream, ContentId> = new ShardQuestion({
  tag: 27,
  asked: streamCodec,
  answer: contentIdCodec,
  find: (state, { writer, attempt }, shard) => {
    const found = findStream(state, writer, attempt);
    return found?.kind === "absorbed" ? found.into : { home: shard, writer, attempt };
  },
});

/** The open writers of a node. */
export const writersQuestion: ShardQuestion<{ readonly node: string }, readonly WriterId[]> =
  new ShardQuestion({
    tag: 30,
    asked: record({ node: text }),
    answer: shortList(branded<WriterId>(), writersMax),
    find: (state, { node }) =>
      listWriters(state)
        .filter((writer) => writer.node === node)
        .map(({ writer }) => writer)
        .slice(0, writersMax),
  });

function idOf(home: ShardId, { writer, attempt }: AskedStream): ContentId {
  return { home, writer, attempt };
}

function contentStatus(state: StateReader, { writer, attempt }: AskedStream): ContentStatus {
  const stream = findStream(state, writer, attempt);
  switch (stream?.kind) {
    case undefined:
      return streamStatus(state, writer, attempt) === "open" ? "open" : "gone";
    case "uploadPart":
      return ofRedundancy(stream.redundancy);
    case "content":
      return ofContent(stream.content);
    case "absorbed":
      return ofContent(findContent(state, stream.into));
  }
}

function ofContent(content: Content | undefined): ContentStatus {
  return content === undefined || content.deadSinceMs !== undefined
    ? "gone"
    : ofRedundancy(content.redundancy);
}

function ofRedundancy({ dataFragments, parityFragments }: Redundancy): ContentStatus {
  return { width: dataFragments + parityFragments };
}

function partOf(state: StateReader, stream: AskedStream, home: ShardId): ContentPart | undefined {
  const record = findStream(state, stream.writer, stream.attempt);
  switch (record?.kind) {
    case undefined:
      return undefined;
    case "uploadPart":
      return findPart(state, record.upload, record.part)?.part;
    case "content":
    case "absorbed": {
      const id = record.kind === "content" ? idOf(home, stream) : record.into;
      const parts = findContent(state, id)?.parts ?? [];
      return parts.find((part) => part.writer === stream.writer && part.attempt === stream.attempt);
    }
  }
}
