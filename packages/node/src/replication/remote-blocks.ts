/**
 * Asks another node's block server: one exchange for each request, within a deadline. Nothing of an answer is believed that
 * can be checked: its form, its kind, that it follows the epoch it was asked under, and a body's length and checksum.
 */

import type { BlockId, NodeId } from "@holdfast/base";
import { DecodeError, decode, encode, KiB } from "@holdfast/base";
import type { BlockFrames, StoredBlock } from "@holdfast/blocks";
import type { Clock, Exchange, Hashing, Network } from "@holdfast/ports";
import { emptyBody, NetworkError } from "@holdfast/ports";
import type {
  BlockAnswer,
  BlockPage,
  BlockRequest,
  BlockResult,
  ListRequest,
  PutRequest,
  StatRequest,
} from "./block-wire.ts";
import { blockAnswerCodec, blockRequestCodec } from "./block-wire.ts";
import { gatherBody } from "./gather-body.ts";
import type { FragmentStat, SlotAnswer } from "./slot-answer.ts";

/** What ends one attempt. */
export interface AttemptEnd {
  readonly deadlineMs: number;
  /** Aborted when the caller gives it up. */
  readonly signal?: AbortSignal | undefined;
}

export interface RemotePorts {
  readonly network: Network;
  readonly clock: Clock;
  readonly hashing: Hashing;
  /** Where the bodies of reads are gathered. */
  readonly frames: BlockFrames;
}

/** Each is a turn of its own; in the network it waits for nothing else. */
const pieceBytes = 256 * KiB;

const noBody = { body: emptyBody };

type Take<T> = (result: BlockResult, body: AsyncIterable<Uint8Array>) => Promise<T | undefined>;

export class RemoteBlocks {
  readonly #ports: RemotePorts;

  constructor(ports: RemotePorts) {
    this.#ports = ports;
  }

  /** The body is read, from where it lies, until this resolves and no longer. */
  put(
    node: NodeId,
    asked: Omit<PutRequest, "kind" | "bytes">,
    body: Uint8Array,
    end: AttemptEnd,
  ): Promise<SlotAnswer<undefined>> {
    const request = { kind: "put", ...asked, bytes: body.length } as const;
    const sent = { body: piecesOf(body), bodyBytes: body.length };
    return this.#ask(node, request, sent, end, async (result, rest) => {
      const isStored = result.kind === "stored" && (await isEmpty(rest));
      return isStored ? { value: undefined } : undefined;
    });
  }

  read(
    node: NodeId,
    { id, epoch }: { readonly id: BlockId; readonly epoch: PutRequest["epoch"] },
    end: AttemptEnd,
  ): Promise<SlotAnswer<StoredBlock>> {
    return this.#ask(node, { kind: "read", id, epoch }, noBody, end, async (result, chunks) => {
      if (result.kind !== "block") return undefined;
      const body = await gatherBody(chunks, result, this.#ports);
      return body === undefined ? undefined : { value: { body, checksum: result.checksum } };
    });
  }

  stat(
    node: NodeId,
    asked: Omit<StatRequest, "kind">,
    end: AttemptEnd,
  ): Promise<SlotAnswer<readonly FragmentStat[]>> {
    return this.#ask(node, { kind: "stat", ...asked }, noBody, end, async (result, rest) => {
      if (result.kind !== "stats" || !(await isEmpty(rest))) return undefined;
      return result.stats.length === asked.ids.length ? { value: result.stats } : undefined;
    });
  }

  list(node: NodeId, asked: Omit<ListRequest, "kind">, end: AttemptEnd): Promise<SlotAnswer<BlockPage>> {
    return this.#ask(node, { kind: "list", ...asked }, noBody, end, async (result, rest) => {
      if (result.kind !== "page" || !(await isEmpty(rest))) return undefined;
      const { blocks, isLast } = result;
      // A page without progress would be asked for again and again.
      const isSound = blocks.length <= asked.limit && (isLast || blocks.length > 0);
      return isSound ? { value: { blocks, isLast } } : undefined;
    });
  }

  async #ask<T>(
    node: NodeId,
    request: BlockRequest,
    sent: Pick<Exchange, "body" | "bodyBytes">,
    { deadlineMs, signal }: AttemptEnd,
    take: Take<{ readonly value: T }>,
  ): Promise<SlotAnswer<T>> {
    if (signal?.aborted === true) return { kind: "silent", reason: "given-up" };
    const controller = new AbortController();
    let isLate = false;
    const timer = this.#ports.clock.after(deadlineMs, () => {
      isLate = true;
      controller.abort();
    });
    const giveUp = (): void => controller.abort();
    signal?.addEventListener("abort", giveUp);
    try {
      const head = encode(blockRequestCodec, request);
      const answer = await this.#ports.network.exchange(node, { head, ...sent }, controller.signal);
      return await judge(request, answer, take);
    } catch (error) {
      if (error instanceof DecodeError) return { kind: "silent", reason: "invalid" };
      if (!(error instanceof NetworkError)) throw error;
      if (controller.signal.aborted) return { kind: "silent", reason: isLate ? "timeout" : "given-up" };
      return { kind: "silent", reason: isHeard(error) ? "broken" : "unreachable" };
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", giveUp);
    }
  }
}

/** Whether the other side may have acted. */
function isHeard({ kind }: NetworkError): boolean {
  return kind === "broken" || kind === "aborted";
}

async function judge<T>(
  request: BlockRequest,
  { head, body }: Exchange,
  take: Take<{ readonly value: T }>,
): Promise<SlotAnswer<T>> {
  const { standing, result }: BlockAnswer = decode(blockAnswerCodec, head);
  if (result.kind === "refused") {
    const isSound = await isEmpty(body);
    return isSound
      ? { kind: "refused", standing, reason: result.reason }
      : { kind: "silent", reason: "invalid" };
  }
  // What was done under an epoch that the server does not follow is no evidence for it (S3). A read needs none.
  const isFollowed = request.kind === "read" || standing.epoch >= request.epoch;
  const taken = isFollowed ? await take(result, body) : undefined;
  return taken === undefined
    ? { kind: "silent", reason: "invalid" }
    : { kind: "done", standing, value: taken.value };
}

async function* piecesOf(body: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < body.length; at += pieceBytes) yield body.subarray(at, at + pieceBytes);
}

/** Reads to the end, unless something comes. */
async function isEmpty(body: AsyncIterable<Uint8Array>): Promise<boolean> {
  for await (const _ of body) return false;
  return true;
}
