/** How one HTTP request leaves and its answer comes back. Node and browsers each have their own. */

export interface Transport {
  /** Rejects with a TransportFailure, or with the error of the body's own source. */
  send(request: TransportRequest): Promise<TransportResponse>;
  /** Ends connections that are kept for later. */
  close(): void;
}

export interface TransportRequest {
  readonly endpoint: Endpoint;
  readonly method: string;
  /** Path and query, encoded. */
  readonly target: string;
  /** Lower-case names, with `host` and without `content-length`, which the transport adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OutgoingBody | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told of every piece of the body that was handed to the connection, in bytes. */
  readonly onSent: ((bytes: number) => void) | undefined;
}

export type OutgoingBody =
  | { readonly kind: "bytes"; readonly data: Uint8Array }
  /** Exactly `bytes` bytes; opened anew for every try. */
  | { readonly kind: "stream"; readonly bytes: number; open(): AsyncIterable<Uint8Array> };

export interface Endpoint {
  /** Such as `http://127.0.0.1:9001`. */
  readonly origin: string;
  /** Host and port as the host header has them. */
  readonly authority: string;
  readonly isLoopback: boolean;
}

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** To be read to its end, or cancelled. Throws when the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
  cancel(): void;
}

/** No answer came. `sent` says how much of the request may have reached the server. */
export class TransportFailure extends Error {
  override readonly name = "TransportFailure";
  /** Of a request that did not leave whole, the server applies nothing. */
  readonly sent: "nothing" | "part" | "all";

  constructor(sent: "nothing" | "part" | "all", cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.sent = sent;
  }
}
