import type { ByteStream } from "@holdfast/ports";
import type { FileReading } from "./interface.ts";

/** A file's body as a stream, for who takes it chunk by chunk whether or not it came whole. */
export function bodyChunks(body: FileReading["body"]): ByteStream {
  return body instanceof Uint8Array ? oneChunk(body) : body;
}

async function* oneChunk(body: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (body.length > 0) yield body;
}
