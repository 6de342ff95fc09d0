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
   * within one turn leave together. False when it will certainly not arrive: the node is unknown (a node is no peer of
   * itself), there is no connection to it now, or too many bytes wait for it; a frame always fits when none wait. The
   * caller leaves the frame unchanged. Throws NetworkError "refused" for more than `frameBytesMax`.
   */
  send(to: NodeId, frame: Uint8Array): boolean;
  /** Bytes of frames that wait for this node. */
  queuedBytes(to: NodeId): number;
  /**
   * Resolves with the answer's head when it is there; its body follows, and is to be read to its end or given up by
   * `return`. The answer may come before the request's body was read; what is left of that is not asked for once the
   * answer's body has ended. Rejects with NetworkError, and so does reading the answer's body: "unreachable" and
   * "refused" when the other side certainly did not act; "broken" when it failed or the connection ended, and "aborted"
   * when `signal` was, and then nobody knows whether it acted.
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
  /**
   * Read as fast as the receiver takes it; its chunks are left unchanged. One that throws ends the exchange for the other
   * side too. A receiver reads it once, in chunks of its own to keep, cut anywhere.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Of the body, where that is known: it spares the network a frame around each chunk. The sender sends exactly so many. */
  readonly bodyBytes?: number | undefined;
}

/** Never called from within a call of the network. */
export interface NetworkReceiver {
  /** Frames to this node can be sent from now on. */
  onConnect?(peer: NodeId): void;
  /** The frame is the receiver's to keep. Never throws. */
  onFrame(from: NodeId, frame: Uint8Array): void;
  /** This node is refused there again and again: another process with its identity is connected. */
  onTwin?(peer: NodeId): void;
  /** The connection for frames to this node ended: what was sent lately may be lost. */
  onDisconnect(peer: NodeId): void;
  /**
   * `signal` is aborted when the other side has gone. One that rejects, or whose body fails, is "broken" for the other
   * side; the reason stays here.
   */
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

/** Throws NetworkError "refused" for a frame that is too long for any network. */
export function checkFrame(frame: Uint8Array): void {
  if (frame.length > frameBytesMax)
    throw new NetworkError("refused", `a frame of ${frame.length} bytes; at most ${frameBytesMax} are sent`);
}

/** Throws NetworkError "refused" for a head that is too long for any network. */
export function checkHead(head: Uint8Array): void {
  if (head.length > exchangeHeadBytesMax)
    throw new NetworkError(
      "refused",
      `a head of ${head.length} bytes; an exchange takes at most ${exchangeHeadBytesMax}`,
    );
}
