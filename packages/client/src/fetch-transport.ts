/** Requests over fetch, for browsers. */

import { concatBytes, StoreError } from "@holdfast/base";
import { streamChunks } from "./content.ts";
import type { OutgoingBody, Transport, TransportRequest, TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

export class FetchTransport implements Transport {
  readonly #fetch: typeof fetch;

  constructor(fetchFunction: typeof fetch) {
    this.#fetch = fetchFunction;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const { endpoint, method, target, signal, onSent } = request;
    // Browsers name the host themselves, and tolerate nobody else who does.
    const { host: _host, ...headers } = request.headers;
    const url = addressOf(endpoint.origin, target);
    const body = await bodyOf(request.body);
    if (signal?.aborted === true) throw new TransportFailure("nothing", signal.reason);
    // Kept out of the browser's cache: who reads wants what is stored now.
    const options: RequestInit = {
      method,
      headers,
      redirect: "error",
      cache: "no-store",
      credentials: "omit",
    };
    if (body !== undefined) options.body = body;
    if (signal !== undefined) options.signal = signal;
    try {
      const response = await this.#fetch(url, options);
      onSent?.(body?.byteLength ?? 0);
      return answerOf(response);
    } catch (cause) {
      // Fetch does not tell a refused connection from one that broke later: the worse is assumed.
      throw new TransportFailure("all", cause);
    }
  }

  close(): void {
    // The browser keeps its connections as it sees fit.
  }
}

/** Browsers resolve dot segments before they send: then the signature would be that of another file. */
function addressOf(origin: string, target: string): string {
  const url = origin + target;
  const parsed = new URL(url);
  if (parsed.pathname + parsed.search === target) return url;
  throw new StoreError("InvalidKey", "A browser cannot send this key: it would change the address.");
}

/** In memory: browsers stream request bodies over HTTP/2 alone, if at all. Parts keep it small. */
async function bodyOf(body: OutgoingBody | undefined): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (body === undefined) return undefined;
  if (body.kind === "bytes") return inPlainBuffer(body.data);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body.open()) {
    chunks.push(chunk);
    bytes += chunk.length;
  }
  if (bytes !== body.bytes)
    throw new StoreError("IncompleteBody", `The content is not the ${body.bytes} bytes it was said to be.`);
  return inPlainBuffer(concatBytes(chunks));
}

/** Shared memory cannot be sent: copied, it can. */
function inPlainBuffer(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return data.buffer instanceof ArrayBuffer
    ? new Uint8Array(data.buffer, data.byteOffset, data.length)
    : new Uint8Array(data);
}

function answerOf(response: Response): TransportResponse {
  const { body } = response;
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers.entries()) headers[name] = value;
  return {
    status: response.status,
    headers,
    body: body === null ? nothing() : streamChunks(body),
    cancel: () => {
      body?.cancel().catch(() => undefined);
    },
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
