import type { FileReading } from "./interface.ts";

/** A file's body as a stream, for who takes it chunk by chunk whether or not it came whole. */
export async function* bodyChunks(body: FileReading["body"]): AsyncGenerator<Uint8Array, void, undefined> {
  if (!(body instanceof Uint8Array)) yield* body;
  else if (body.length > 0) yield body;
}
