/** One attempt to stream a snapshot to another host. A failed one is the core's to ask for again. */

import type { NodeId } from "@holdfast/base";
import { DecodeError, decode, encode } from "@holdfast/base";
import type { Journal, Network } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import type { SnapshotHead } from "./snapshot-head.ts";
import { snapshotAnswerCodec, snapshotHeadCodec } from "./snapshot-head.ts";

export interface SnapshotRoute {
  readonly network: Network;
  readonly journal: Journal;
  readonly node: NodeId;
  /** Aborted when the group is closed. */
  readonly signal: AbortSignal;
}

export async function sendSnapshot(
  { network, journal, node, signal }: SnapshotRoute,
  { head, body }: { readonly head: SnapshotHead; readonly body: AsyncIterable<Uint8Array> },
): Promise<"delivered" | "failed"> {
  const fields = { group: head.group, to: head.to, node, index: head.position.index };
  try {
    const answer = await network.exchange(node, { head: encode(snapshotHeadCodec, head), body }, signal);
    for await (const _ of answer.body);
    const outcome = decode(snapshotAnswerCodec, answer.head);
    journal.info("group.snapshot.sent", { ...fields, outcome });
    return outcome === "taken" ? "delivered" : "failed";
  } catch (cause) {
    if (!(cause instanceof NetworkError) && !(cause instanceof DecodeError)) throw cause;
    journal.info("group.snapshot.failed", { ...fields, problem: cause.message });
    return "failed";
  }
}
