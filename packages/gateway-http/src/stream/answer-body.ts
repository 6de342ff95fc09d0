/** The body of an answer in one piece, if it fits into a stream's message. */

import type { Awaitable } from "@holdfast/base";
import { emptyBytes } from "@holdfast/base";
import type { ByteStream, HttpResponse } from "@holdfast/ports";

/** Undefined when it has more than `bytesMax` bytes; it is not read then. Rejects when the body cannot be read. */
export function answerBody(
  { headers, body }: HttpResponse,
  bytesMax: number,
): Awaitable<Uint8Array | undefined> {
  if (body === undefined) return emptyBytes;
  if (body instanceof Uint8Array) return body.length > bytesMax ? undefined : body;
  const stated = Number(headers["content-length"] ?? Number.POSITIVE_INFINITY);
  return stated > bytesMax ? dropped(body) : gathered(body, stated);
}

/** What it holds is freed. */
async function dropped(body: ByteStream): Promise<undefined> {
  await body[Symbol.asyncIterator]().return?.();
}

async function gathered(body: ByteStream, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of body) {
    if (filled + chunk.length > bytes) throw new Error(`more than the ${bytes} bytes stated`);
    whole.set(chunk, filled);
    filled += chunk.length;
    body.recycle?.(chunk);
  }
  if (filled < bytes) throw new Error(`${filled} of the ${bytes} bytes stated`);
  return whole;
}
