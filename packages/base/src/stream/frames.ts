/**
 * Frames of the multiplexed stream (docs/internals/stream.md): each is about one operation, or about the stream itself.
 * Bodies are read as views of the message that brought them.
 */

import type { Codec } from "../codec.ts";
import { byteView, integer, oneOf, record, text, uint32, union, variant } from "../codec.ts";
import type { Fields } from "./fields.ts";
import { fieldsCodec } from "./fields.ts";

/** Operations of the HTTP API that travel on the stream, stored by position: append, never reorder. */
export const streamOperations = ["storeFile", "readFile", "statFile", "deleteFile"] as const;
export type StreamOperation = (typeof streamOperations)[number];

/** From client to server. */
export type ClientFrame =
  | RequestFrame
  /** The answer is not waited for any more; it comes nevertheless. */
  | { readonly kind: "cancel"; readonly id: number }
  | Alive;

export interface RequestFrame {
  readonly kind: "request";
  /** The client's, and not that of another operation under way. */
  readonly id: number;
  readonly operation: StreamOperation;
  readonly bucket: string;
  readonly key: string;
  readonly fields: Fields;
  readonly body: Uint8Array;
}

/** From server to client. */
export type ServerFrame =
  | AnswerFrame
  /** The answer is too long for the stream: ask over HTTP. Of reads alone. */
  | { readonly kind: "elsewhere"; readonly id: number }
  | Alive
  /** The server takes leave: what it was sent is answered, and the client closes when it has the answers. */
  | { readonly kind: "leave" };

export interface AnswerFrame {
  readonly kind: "answer";
  readonly id: number;
  /** As over HTTP. */
  readonly status: number;
  readonly fields: Fields;
  readonly body: Uint8Array;
}

/** Nothing else was to be said: of a server that wants to hear of its client, and of that client. */
export interface Alive {
  readonly kind: "alive";
}

const alive = variant(3, record({}));

export const clientFrameCodec: Codec<ClientFrame> = union({
  request: variant(
    1,
    record({
      id: uint32,
      operation: oneOf(streamOperations),
      bucket: text,
      key: text,
      fields: fieldsCodec,
      body: byteView,
    }),
  ),
  cancel: variant(2, record({ id: uint32 })),
  alive,
});

export const serverFrameCodec: Codec<ServerFrame> = union({
  answer: variant(1, record({ id: uint32, status: integer, fields: fieldsCodec, body: byteView })),
  elsewhere: variant(2, record({ id: uint32 })),
  alive,
  leave: variant(4, record({})),
});
