/**
 * The connection for frames to one peer, kept up as long as the peer is known. Of two nodes the one with the smaller id dials:
 * there is never more than one connection, and no tie to be broken. A new call of the dialer replaces what the other side
 * still takes for a connection, so that a restart of either is overcome at once.
 */

import type { Socket } from "node:net";
import type { Random } from "@holdfast/base";
import type { Clock, Journal, Peer, Timer } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import type { ConnectionEnd, FrameConnection } from "./frame-connection.ts";
import type { Hello } from "./frame-format.ts";
import type { NetworkLimits } from "./limits.ts";
import type { NetworkMetrics } from "./network-metrics.ts";

export interface PeerLinkOptions {
  readonly peer: Peer;
  readonly dials: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly limits: NetworkLimits;
  readonly metrics: NetworkMetrics;
  readonly dial: (peer: Peer, signal: AbortSignal) => Promise<Socket>;
  /** A connection over the socket that was dialed, which tells this link how it goes. */
  readonly open: (socket: Socket, link: PeerLink) => FrameConnection;
  readonly onUp: () => void;
  /** The peer says that another process with this one's identity is connected with it. */
  readonly onTwin: () => void;
  readonly onFrame: (payload: Uint8Array) => void;
  readonly onDown: (end: ConnectionEnd) => void;
}

const failuresBeforeLine = 3;
/** Twice as long as one that has nothing to say is silent by default. */
const livesMs = 2000;

/** How the refusal of a node's second process begins. */
export const twinRefusal = "another process is connected as this node";

export class PeerLink {
  readonly #options: PeerLinkOptions;
  /** Up. */
  #connection: FrameConnection | undefined;
  /** Dialed, and not up yet. */
  #greeting: FrameConnection | undefined;
  /** Of the process that is connected. */
  #incarnation = "";
  #dialing: AbortController | undefined;
  #retry: Timer | undefined;
  #upSinceMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #isClosed = false;

  constructor(options: PeerLinkOptions) {
    this.#options = options;
  }

  get peer(): Peer {
    return this.#options.peer;
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  get queuedBytes(): number {
    return this.#connection?.queuedBytes ?? 0;
  }

  /** Connects, if that is this side's part. */
  start(): void {
    if (this.#options.dials) void this.#dial();
  }

  /** False when it is not connected, or too many bytes wait. */
  send(payload: Uint8Array): boolean {
    const { metrics } = this.#options;
    if (this.#connection === undefined) return false;
    if (!this.#connection.send(payload)) {
      metrics.droppedFrames.add(1);
      return false;
    }
    metrics.sentFrames.add(1);
    metrics.sentBytes.add(payload.length);
    return true;
  }

  tick(): void {
    this.#connection?.tick();
  }

  /** True when it was connected. Nothing is told of it any more. */
  close(message: string): boolean {
    const wasUp = this.isUp;
    this.#isClosed = true;
    this.#retry?.cancel();
    this.#dialing?.abort();
    for (const connection of [this.#greeting, this.#connection])
      connection?.end({ reason: "closed", message });
    return wasUp;
  }

  onUp(connection: FrameConnection, hello: Hello): void {
    const { clock, journal, peer, onUp } = this.#options;
    if (this.#isClosed)
      return connection.end({ reason: "closed", message: "the peer is not known any more" });
    this.#connection?.end({ reason: "closed", message: "the peer connected anew" });
    this.#greeting = undefined;
    this.#connection = connection;
    this.#incarnation = hello.incarnation;
    this.#upSinceMs = clock.monotonicMs();
    journal.info("network.connected", { peer: peer.id, incarnation: hello.incarnation });
    onUp();
  }

  /**
   * Another process than the one that is connected, which lives: a node that was started again has closed its connections, or is silent
   * on them.
   */
  isTwin({ incarnation }: Hello): boolean {
    const { clock } = this.#options;
    if (this.#connection === undefined || incarnation === this.#incarnation) return false;
    return clock.monotonicMs() - this.#connection.heardAtMs < livesMs;
  }

  onFrame(connection: FrameConnection, payload: Uint8Array): void {
    if (this.#isClosed || connection !== this.#connection) return;
    this.#options.metrics.receivedFrames.add(1);
    this.#options.metrics.receivedBytes.add(payload.length);
    this.#options.onFrame(payload);
  }

  onEnd(connection: FrameConnection, end: ConnectionEnd): void {
    if (connection === this.#connection) this.#onDown(end);
    else if (connection === this.#greeting) {
      this.#greeting = undefined;
      if (end.reason === "refused-by-peer" && end.message.startsWith(twinRefusal)) this.#options.onTwin();
      this.#onFailure(end.message, false);
    }
  }

  #onDown(end: ConnectionEnd): void {
    const { clock, journal, limits, metrics, peer, dials, onDown } = this.#options;
    this.#connection = undefined;
    metrics.connectionsLost.add(1);
    if (this.#isClosed) return;
    journal.info("network.disconnected", { peer: peer.id, reason: end.reason, message: end.message });
    onDown(end);
    if (!dials) return;
    // At once; unless connections to this peer end as soon as they are made.
    const lasted = clock.monotonicMs() - this.#upSinceMs >= limits.reconnectMsMax;
    if (lasted) this.#failures = 0;
    this.#retryAfter(lasted ? 0 : this.#backoffMs());
  }

  /** `isSilent`: nobody answered at all. */
  #onFailure(message: string, isSilent: boolean): void {
    const { journal, metrics, peer } = this.#options;
    if (this.#isClosed) return;
    metrics.connectFailures.add(1);
    // One line for a peer that is away, however often it is called; one that is just starting, or starting again, is not away.
    if (this.#failures === (isSilent ? failuresBeforeLine : 0))
      journal.warn("network.unreachable", { peer: peer.id, message });
    this.#retryAfter(this.#backoffMs());
  }

  /** Half of it at least, so that a node that is away is not called all the time; the rest spreads the callers. */
  #backoffMs(): number {
    const { limits, random } = this.#options;
    const wholeMs = Math.min(
      limits.reconnectMsMax,
      limits.reconnectMsMin * 2 ** Math.min(20, this.#failures++),
    );
    return wholeMs * (0.5 + random.uint32() / 2 ** 33);
  }

  #retryAfter(delayMs: number): void {
    this.#retry = this.#options.clock.after(delayMs, () => void this.#dial());
  }

  async #dial(): Promise<void> {
    const { clock, limits, peer, dial, open } = this.#options;
    const dialing = new AbortController();
    this.#dialing = dialing;
    const deadline = clock.after(limits.helloTimeoutMs, () => dialing.abort());
    try {
      const socket = await dial(peer, dialing.signal);
      if (this.#isClosed) socket.destroy();
      else this.#greeting = open(socket, this);
    } catch (cause) {
      const isSilent = cause instanceof NetworkError && cause.kind === "unreachable";
      this.#onFailure(cause instanceof Error ? cause.message : String(cause), isSilent);
    } finally {
      deadline.cancel();
    }
  }
}
