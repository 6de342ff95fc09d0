/**
 * Brings a request's body into the store under one attempt of a shard's writer, and hands it to `commit`.
 *
 * What is durable when: every block, before `commit` is called; the commit itself makes it durable with the entry. The
 * attempt stays open until then, so that nobody erases its blocks (S4), and is closed whatever happens.
 */

import type { Attempt, BlockId, ContentId, Epoch } from "@holdfast/base";
import { andThen, epoch, limits } from "@holdfast/base";
import type { ContentPart } from "@holdfast/namespace";
import type { Abortable } from "@holdfast/ports";
import type { ReceivedBody } from "../content/body-digests.ts";
import type { StoreBlock } from "../content/receive.ts";
import { receive, receiveAtOnce } from "../content/receive.ts";
import { blockFailure } from "./block-failure.ts";
import type { FilesContext, Place } from "./context.ts";
import type { IncomingBody } from "./interface.ts";

/** Before the first change of layout there is one epoch. */
export const firstEpoch: Epoch = epoch(1);

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
  | { readonly kind: "streamed"; readonly part: ContentPart; readonly received: ReceivedBody };

export async function streamBody<T>(
  context: FilesContext,
  place: Place,
  options: StreamOptions,
  commit: (attempt: Attempt, streamed: StreamedBody) => Promise<T>,
): Promise<T> {
  const { writer } = place.shard;
  const { hashing } = context;
  const { frames } = context.blocks;
  const attempt = writer.begin();
  try {
    const blockBytes = place.bucket.settings.blockBytes;
    const bytesMax = limits.bodyBytesMax;
    const { body, inlineBytesMax, signal } = options;
    const receiving = { hashing, frames, inlineBytesMax, blockBytes, bytesMax, signal };
    const received =
      receiveAtOnce(body, receiving) ??
      (await receive(body, receiving, () => blocksOf(context, writer.contentId(attempt), options.part)));
    if (received.kind === "inline")
      return await andThen(context.admission.admit(received.body.length), () => commit(attempt, received));
    const { bytes, crc32, md5, checksum } = received.received;
    const part = {
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
    return await commit(attempt, { kind: "streamed", part, received: received.received });
  } finally {
    writer.close(attempt);
  }
}

/** Stores the blocks of one stream. */
function blocksOf(context: FilesContext, content: ContentId, part: number): StoreBlock {
  return async (sequence, block, crc32) => {
    const id: BlockId = { content, part, sequence, salt: 0 };
    await context.admission.admit(block.length);
    await context.blocks.put(id, block, crc32).catch((cause: unknown) => {
      throw blockFailure(cause);
    });
  };
}
