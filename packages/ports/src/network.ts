/**
 * How the nodes of one cluster reach each other. Two ways, apart, so that a large transfer never delays a heartbeat:
 *
 *   frames: small messages, many, best effort. One connection per pair of nodes carries them, in order.
 *   exchanges: one request and one answer, each with a streamed body; either side may be as slow as it likes.
 *
 * Whoever is spoken to was authenticated by the carrier as that node of this cluster.
 */

import type { NodeId } from "@holdfast/base";

export interface Network {
  readonly self: NodeId;
  /**
   * Best effort: the frame arrives once, behind all that was sent to this node before it, or not at all. Frames sent
   * within one turn leave together. False when it will certainly not arrive: the node is unknown or cannot be reached now,
   * or too many bytes wait for it. The caller leaves the frame unchanged.
   */
  send(to: NodeId, frame: Uint8Array): boolean;
  /** Bytes of frames that wait for this node. */
  queuedBytes(to: NodeId): number;
  /**
   * Resolves with the answer's head when it is there; its body follows. Rejects with NetworkError when the node cannot be
   * reached, the connection ends, or `signal` is aborted; whether the other side acted is unknown then.
   */
  exchange(to: NodeId, request: Exchange, signal?: AbortSignal): Promise<Exchange>;
  /** To be called once, before anything arrives. */
  listen(receiver: NetworkReceiver): void;
  /** Who is in the cluster and where; replaces what was known. Nodes that are not named are neither called nor listened to. */
  setPeers(peers: readonly Peer[]): void;
  /** Ends all connections; nothing arrives afterwards. */
  close(): Promise<void>;
}

export interface Peer {
  readonly id: NodeId;
  /** `host:port` of its node-to-node listener. */
  readonly address: string;
}

/** One direction of an exchange. */
export interface Exchange {
  /** At most `exchangeHeadBytesMax`. */
  readonly head: Uint8Array;
  /** Read as fast as the receiver takes it. One that throws ends the exchange for the other side too. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface NetworkReceiver {
  /** The frame is the receiver's to keep. Never throws. */
  onFrame(from: NodeId, frame: Uint8Array): void;
  /** The connection for frames to this node ended: what was sent lately may be lost. */
  onDisconnect(peer: NodeId): void;
  /** `signal` is aborted when the other side has gone. */
  onExchange(from: NodeId, request: Exchange, signal: AbortSignal): Promise<Exchange>;
}

export const exchangeHeadBytesMax: number = 1024 * 1024;
export const frameBytesMax: number = 16 * 1024 * 1024;

export const emptyBody: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {
    // Nothing.
  },
};

export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly kind: "unreachable" | "broken" | "aborted" | "refused";

  constructor(kind: NetworkError["kind"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}
