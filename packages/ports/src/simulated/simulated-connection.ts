/** The connection for frames between two simulated nodes: made, broken and made again, each end noticing in its own time. */

import type { NodeId, Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";
import type { Timer } from "../clock.ts";
import type { NetworkReceiver } from "../network.ts";
import type { NetworkFlow, NetworkPath } from "./network-path.ts";
import type { Timeline } from "./timeline.ts";

/** A process that connections lead to. */
export interface ConnectedProcess {
  readonly self: NodeId;
  /** Undefined before it listens, and when it is closed or dead. */
  readonly receiver: NetworkReceiver | undefined;
  knows(peer: NodeId): boolean;
}

export interface ConnectionOptions {
  readonly simulation: Timeline;
  readonly random: Random;
  readonly reconnectMsMax: number;
  /** It dials. */
  readonly dialer: NodeId;
  readonly acceptor: NodeId;
  /** From the dialer to the acceptor, and back. */
  readonly there: NetworkPath;
  readonly back: NetworkPath;
  readonly processOf: (node: NodeId) => ConnectedProcess | undefined;
  readonly onBroken: (lostFrames: number) => void;
}

type FrameItem =
  | { readonly kind: "connected" }
  | { readonly kind: "frame"; readonly frame: Uint8Array }
  | { readonly kind: "end" };

interface End {
  readonly process: ConnectedProcess;
  readonly peer: NodeId;
  readonly out: NetworkFlow<FrameItem>;
  readonly stopListening: () => void;
  /** The dialer's end is up when the acceptor's word of it has come. */
  isUp: boolean;
  isClosed: boolean;
  other: End | undefined;
}

export class SimulatedConnection {
  readonly #options: ConnectionOptions;
  readonly #ends = new Map<NodeId, End>();
  #attempt: Timer | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  isUp(self: NodeId): boolean {
    return this.#ends.get(self)?.isUp === true;
  }

  queuedBytes(self: NodeId): number {
    return this.#ends.get(self)?.out.queuedBytes ?? 0;
  }

  /** Only while it is up. */
  send(self: NodeId, frame: Uint8Array): void {
    this.#ends.get(self)?.out.send({ kind: "frame", frame: new Uint8Array(frame) }, frame.length);
  }

  /** To be called when something changed that a new connection may have waited for. */
  review(): void {
    const { simulation, random, reconnectMsMax } = this.#options;
    if (this.#attempt !== undefined || !this.#canConnect()) return;
    this.#attempt = simulation.after(1 + uniform(random, reconnectMsMax), () => {
      this.#attempt = undefined;
      if (this.#canConnect()) this.#connect();
    });
  }

  /** This node's end closes. Of what is on its way to the other one, a part arrives, and then the end. */
  close(self: NodeId): void {
    const end = this.#ends.get(self);
    if (end !== undefined) this.#close(end);
  }

  #canConnect(): boolean {
    const { dialer, acceptor, there, back, processOf } = this.#options;
    const [from, to] = [processOf(dialer), processOf(acceptor)];
    if (this.#ends.has(dialer) || from?.receiver === undefined || to?.receiver === undefined) return false;
    if (!from.knows(acceptor) || !to.knows(dialer)) return false;
    return [there, back].every((path) => !path.isBlocked && !path.isSilent);
  }

  #connect(): void {
    const { dialer, acceptor, there, back, processOf } = this.#options;
    // A new call says that the old connection is over.
    this.close(acceptor);
    const [from, to] = [processOf(dialer), processOf(acceptor)];
    if (from === undefined || to === undefined || !this.#canConnect()) return;
    const dialing = this.#open(from, acceptor, there, back);
    const accepting = this.#open(to, dialer, back, there);
    dialing.other = accepting;
    accepting.other = dialing;
    accepting.out.send({ kind: "connected" }, 0);
    this.#becomeUp(accepting);
  }

  #open(process: ConnectedProcess, peer: NodeId, outwards: NetworkPath, inwards: NetworkPath): End {
    const end: End = {
      process,
      peer,
      out: outwards.flow((item) => {
        if (end.other !== undefined) this.#onItem(end.other, item);
      }),
      stopListening: inwards.onSilence(() => this.#close(end)),
      isUp: false,
      isClosed: false,
      other: undefined,
    };
    this.#ends.set(process.self, end);
    return end;
  }

  #becomeUp(end: End): void {
    end.isUp = true;
    end.process.receiver?.onConnect?.(end.peer);
  }

  #onItem(end: End, item: FrameItem): void {
    switch (item.kind) {
      case "connected":
        return this.#becomeUp(end);
      case "frame":
        return end.process.receiver?.onFrame(end.peer, item.frame);
      case "end":
        return this.#close(end);
    }
  }

  #close(end: End): void {
    if (end.isClosed) return;
    end.isClosed = true;
    end.stopListening();
    if (this.#ends.get(end.process.self) === end) this.#ends.delete(end.process.self);
    const { simulation, random, onBroken } = this.#options;
    const underWay = end.out.itemsOnTheirWay;
    const lost = end.out.finish(uniform(random, underWay + 1), { kind: "end" });
    end.other?.out.end();
    onBroken(lost);
    // Never within a call of whoever hears it.
    if (end.isUp) simulation.soon(() => end.process.receiver?.onDisconnect(end.peer));
    this.review();
  }
}
