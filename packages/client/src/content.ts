/** What callers may hand over as a file's content, and one shape for all of it. */

import { StoreError, utf8 } from "@holdfast/base";
import { streamPartBytes } from "./part-sizes.ts";
import type { LocalFiles } from "./platform.ts";

/**
 * Text (stored as UTF-8), bytes, a Blob or File, a web stream, a stream of Node, any async iterable of bytes or text, or
 * a file on this machine (Node alone).
 */
export type Content =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | { readonly path: string };

export type Source =
  | { readonly kind: "bytes"; readonly data: Uint8Array }
  /** Can be read from anywhere, any number of times. */
  | {
      readonly kind: "sized";
      readonly bytes: number;
      read(offset: number, bytes: number): AsyncIterable<Uint8Array>;
      /** The same in one piece, where that is to be had without gathering it. */
      load?(offset: number, bytes: number): Promise<Uint8Array>;
    }
  /** Can be read once; its length is known when it ends. */
  | { readonly kind: "stream"; readonly chunks: AsyncIterable<Uint8Array> };

export async function sourceOf(content: Content, localFiles: LocalFiles | undefined): Promise<Source> {
  if (typeof content === "string") return { kind: "bytes", data: utf8(content) };
  if (content instanceof Uint8Array) return { kind: "bytes", data: content };
  if (content instanceof ArrayBuffer) return { kind: "bytes", data: new Uint8Array(content) };
  if (content instanceof Blob) {
    return {
      kind: "sized",
      bytes: content.size,
      read: (offset, bytes) => streamChunks(content.slice(offset, offset + bytes).stream()),
    };
  }
  if (content instanceof ReadableStream) return { kind: "stream", chunks: streamChunks(content) };
  if (Symbol.asyncIterator in content) return { kind: "stream", chunks: byteChunks(content) };
  if (localFiles === undefined)
    throw new StoreError("NotImplemented", "There are no paths here: hand over a File or a Blob.");
  const file = await localFiles.open(content.path);
  return {
    kind: "sized",
    bytes: file.bytes,
    read: (offset, bytes) => file.read(offset, bytes),
    load: (offset, bytes) => file.load(offset, bytes),
  };
}

async function* byteChunks(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    if (typeof chunk === "string") yield utf8(chunk);
    else if (chunk instanceof Uint8Array) yield chunk;
    else throw new StoreError("InvalidArgument", "A stream of content yields Uint8Arrays or text.");
  }
}

/** By a reader: not every browser can iterate streams. */
export async function* streamChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let isOver = false;
  try {
    for (;;) {
      const step = await reader.read();
      if (step.done) break;
      yield step.value;
    }
    isOver = true;
  } finally {
    // Left early, the rest is not wanted; a stream that failed says so again, to nobody.
    if (!isOver) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}

/** Joins small chunks and cuts large ones, into what the parts of a stream are. */
export async function* pieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let part = 1;
  let piece = new Uint8Array(streamPartBytes(part));
  let filled = 0;
  for await (const chunk of chunks) {
    for (let offset = 0; offset < chunk.length; ) {
      const taken = Math.min(piece.length - filled, chunk.length - offset);
      piece.set(chunk.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled < piece.length) continue;
      yield piece;
      part += 1;
      piece = new Uint8Array(streamPartBytes(part));
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

/** A slice of the content in memory. IncompleteBody when it has become another length. */
export async function readWhole(
  source: Extract<Source, { readonly kind: "sized" }>,
  offset: number,
  bytes: number,
): Promise<Uint8Array> {
  if (source.load !== undefined) return source.load(offset, bytes);
  const whole = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of source.read(offset, bytes)) {
    if (filled + chunk.length > bytes) throw changed();
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < bytes) throw changed();
  return whole;
}

function changed(): StoreError {
  return new StoreError("IncompleteBody", "The content changed its length while it was read.");
}
