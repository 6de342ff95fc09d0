/**
 * A request and its answer as gateways see them: pure data with streamed bodies. The host binds them to real sockets.
 * A gateway never throws: whatever goes wrong is an answer.
 */

import type { ByteStream, HttpRequest, RequestSummary } from "./http-request.ts";
import type { MessageConnection, MessageReceiver } from "./message-connection.ts";

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Streamed bodies state their length in `content-length` where it is known. When the stream throws, the host breaks
   * the connection, so that a client never takes a part for the whole.
   */
  readonly body: Uint8Array | ByteStream | undefined;
  /** What the request was about, for the journal and metrics; it does not leave the node. */
  readonly about?: RequestSummary | undefined;
  /** With status 101: who takes the messages that the connection carries from here on, and no other requests. */
  readonly upgrade?: ((connection: MessageConnection) => MessageReceiver) | undefined;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;
