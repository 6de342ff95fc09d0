/**
 * Writes one answer. What was promised is kept or the connection breaks: a body that fails, or has another length than
 * stated, ends in a reset, so that no client takes a part for the whole.
 */

import type { ServerResponse } from "node:http";
import type { Awaitable } from "@holdfast/base";
import type { ByteStream, HttpResponse } from "@holdfast/ports";

/** "broken" when the client went away or the body failed; then the connection is gone too. */
export type Sent =
  | { readonly kind: "whole"; readonly bytes: number }
  | { readonly kind: "broken"; readonly bytes: number; readonly cause: unknown };

/**
 * Writes the answer. With `keepsOpen` the very end of the message is left to the caller, who has the rest of an unread
 * request to deal with before the connection ends.
 */
export function sendResponse(
  to: ServerResponse,
  response: HttpResponse,
  keepsOpen: boolean,
): Awaitable<Sent> {
  const { body } = response;
  if (body === undefined || body instanceof Uint8Array) {
    sendWhole(to, response, body, keepsOpen);
    return { kind: "whole", bytes: body?.length ?? 0 };
  }
  to.writeHead(response.status, response.headers);
  return to.req.method === "HEAD"
    ? dropStream(body)
    : sendStream(to, body, response.headers["content-length"]);
}

async function dropStream(body: AsyncIterable<Uint8Array>): Promise<Sent> {
  await body[Symbol.asyncIterator]().return?.();
  return { kind: "whole", bytes: 0 };
}

function sendWhole(
  to: ServerResponse,
  response: HttpResponse,
  body: Uint8Array | undefined,
  keepsOpen: boolean,
): void {
  const saysLength = response.headers["content-length"] !== undefined || !mayHaveBody(response.status);
  const headers = saysLength
    ? response.headers
    : { ...response.headers, "content-length": String(body?.length ?? 0) };
  to.writeHead(response.status, headers);
  if (keepsOpen) {
    if (body === undefined) to.flushHeaders();
    else to.write(body);
  } else if (body === undefined) to.end();
  else to.end(body);
}

/** RFC 9110 section 6.4.1. */
function mayHaveBody(status: number): boolean {
  return status >= 200 && status !== 204 && status !== 304;
}

async function sendStream(to: ServerResponse, body: ByteStream, stated: string | undefined): Promise<Sent> {
  const statedBytes = stated === undefined ? undefined : Number(stated);
  let sentBytes = 0;
  try {
    for await (const chunk of body) {
      sentBytes += chunk.length;
      if (statedBytes !== undefined && sentBytes > statedBytes)
        throw new Error(`more than the ${statedBytes} bytes stated`);
      if (to.destroyed) throw new Error("the client went away");
      // Called in any case, and not before the system has let go of it.
      if (!to.write(chunk, () => body.recycle?.(chunk))) await drained(to);
    }
    if (statedBytes !== undefined && sentBytes < statedBytes)
      throw new Error(`${sentBytes} of the ${statedBytes} bytes stated`);
    return { kind: "whole", bytes: sentBytes };
  } catch (cause) {
    // A reset, not a plain end: where the end of the connection is the end of the body (HTTP/1.0) it must not look like one.
    to.socket?.resetAndDestroy();
    return { kind: "broken", bytes: sentBytes, cause };
  }
}

/** Resolves when the receiver took enough of what was written, or is gone. */
function drained(to: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      to.removeListener("drain", done);
      to.removeListener("close", done);
      to.removeListener("timeout", onTimeout);
      resolve();
    };
    const onTimeout = (): void => {
      to.socket?.destroy();
    };
    to.on("drain", done);
    to.on("close", done);
    to.on("timeout", onTimeout);
    if (to.destroyed) done();
  });
}
