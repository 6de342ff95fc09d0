/** A request as gateways see it: pure data with a streamed body. The host binds it to real sockets. */

import type { Outcome } from "@holdfast/base";

export interface HttpRequest {
  readonly method: string;
  /** Path as it stood in the request line, still percent-encoded, without the query. */
  readonly path: string;
  /** Behind the "?", still encoded; "" when there is none. */
  readonly query: string;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Throws when the connection breaks or the client is too slow. Reading on is what pulls more from the socket. */
  readonly body: ByteStream;
  /** Aborted when the client goes away. Made for who waits for that; who only asks now and then asks `throwIfAborted`. */
  readonly signal: AbortSignal;
  /** Throws what the signal was aborted with. */
  throwIfAborted(): void;
  readonly remoteAddress: string;
  /** Unique per request; stands in answers and journal lines. */
  readonly requestId: string;
}

/** Bytes in chunks, as the reader pulls them. */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** All of it, when it has come already and has at most so many bytes; there is nothing to iterate then. */
  takeWhole?(bytesMax: number): Uint8Array | undefined;
  /** To be called once for a chunk that nobody reads any more, or never: its memory is used again. */
  recycle?(chunk: Uint8Array): void;
}

/** What work asks now and then whether it is still wanted: an AbortSignal, or a request. */
export type Abortable = Pick<AbortSignal, "throwIfAborted">;

/** Facts that a gateway found out about a request before it answered, as far as it came. */
export interface RequestSummary {
  /** From a closed set, such as "GetObject": it labels metrics. */
  readonly operation: string;
  /** "" where there is none. */
  readonly bucket: string;
  readonly key: string;
  /** Of the key that signed the request, once the signature was verified. */
  readonly accessKey: string | undefined;
  /** Of a failure, in the words of the protocol, and what became of the request. */
  readonly code: string | undefined;
  readonly outcome: Outcome | undefined;
}
