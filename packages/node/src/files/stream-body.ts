/**
 * Brings a request's body into the store under one attempt of a shard's writer, and hands it to `commit`.
 *
 * What is durable when: every block, before `commit` is called; the commit itself makes it durable with the entry. The
 * attempt stays open until then, so that nobody erases its blocks (S4), and is closed whatever happens.
 */

import type { Attempt, Epoch } from "@holdfast/base";
import { andThen, limits } from "@holdfast/base";
import type { ContentPart } from "@holdfast/namespace";
import type { Abortable } from "@holdfast/ports";
import type { ReceivedBody } from "../content/body-digests.ts";
import { receive, receiveAtOnce } from "../content/receive.ts";
import { commitStream } from "./commit-stream.ts";
import type { FilesContext, Place } from "./context.ts";
import type { IncomingBody } from "./interface.ts";
import { StreamBlocks } from "./stream-blocks.ts";

export interface StreamOptions {
  readonly body: IncomingBody;
  /** 1 for a file stored in one piece. */
  readonly part: number;
  /** Bodies up to this length are handed over whole. */
  readonly inlineBytesMax: number;
  readonly signal: Abortable | undefined;
}

export type StreamedBody =
  | { readonly kind: "inline"; readonly body: Uint8Array; readonly received: ReceivedBody }
  | {
      readonly kind: "streamed";
      readonly part: ContentPart;
      readonly received: ReceivedBody;
      readonly evidenceEpoch: Epoch;
    };

/** `commit` is called again, under the same attempt, when its evidence was refused. */
export async function streamBody<T>(
  context: FilesContext,
  place: Place,
  options: StreamOptions,
  commit: (attempt: Attempt, streamed: StreamedBody) => Promise<T>,
): Promise<T> {
  const { writer } = place.shard;
  const { hashing, clock } = context;
  const { frames } = context.blocks;
  const attempt = writer.begin();
  try {
    const { blockBytes, redundancy } = place.bucket.settings;
    const name = { content: writer.contentId(attempt), part: options.part, redundancy };
    const stream = new StreamBlocks(context, name);
    const bytesMax = limits.bodyBytesMax;
    const { body, inlineBytesMax, signal } = options;
    const receiving = { hashing, frames, inlineBytesMax, blockBytes, bytesMax, signal };
    const received =
      receiveAtOnce(body, receiving) ??
      (await receive(body, receiving, (...block) => stream.store(...block)));
    if (received.kind === "inline")
      return await andThen(context.admission.admit(received.body.length), () => commit(attempt, received));
    const { bytes, crc32, md5, checksum } = received.received;
    const part: ContentPart = {
      number: options.part,
      writer: writer.id,
      attempt,
      bytes,
      blockBytes,
      crc32,
      md5,
      checksum,
      salts: [],
    };
    return await commitStream({ clock, signal }, stream, (evidenceEpoch) =>
      commit(attempt, { kind: "streamed", part, received: received.received, evidenceEpoch }),
    );
  } finally {
    writer.close(attempt);
  }
}
