/** The Network port of one process of a simulated node. */

import type { NodeId, Random } from "@holdfast/base";
import { AssertionError, assert, chance } from "@holdfast/base";
import type { Exchange, Network, NetworkReceiver, Peer } from "../network.ts";
import { checkFrame, checkHead, NetworkError } from "../network.ts";
import type { NetworkPath } from "./network-path.ts";
import type { SimulatedConnection } from "./simulated-connection.ts";
import { ExchangeSide } from "./simulated-exchange.ts";
import type { Timeline } from "./timeline.ts";

/** What the networks of all nodes are plugged into. */
export interface NetworkSurroundings {
  readonly simulation: Timeline;
  readonly random: Random;
  readonly silenceMsMax: number;
  readonly queueBytesMax: number;
  readonly breakChance: number;
  path(from: NodeId, to: NodeId): NetworkPath;
  connection(a: NodeId, b: NodeId): SimulatedConnection;
  processOf(node: NodeId): SimulatedNetwork | undefined;
}

export class SimulatedNetwork implements Network {
  readonly self: NodeId;
  readonly #switch: NetworkSurroundings;
  /** Its sides of the exchanges under way, and with whom. */
  readonly #exchanges = new Map<ExchangeSide, NodeId>();
  #peers: ReadonlySet<NodeId> = new Set();
  #receiver: NetworkReceiver | undefined;
  #isClosed = false;
  #isDead = false;

  constructor(surroundings: NetworkSurroundings, self: NodeId) {
    this.#switch = surroundings;
    this.self = self;
  }

  get receiver(): NetworkReceiver | undefined {
    return this.#isClosed ? undefined : this.#receiver;
  }

  knows(peer: NodeId): boolean {
    return this.#peers.has(peer);
  }

  listen(receiver: NetworkReceiver): void {
    assert(this.#receiver === undefined, "listens twice");
    this.#receiver = receiver;
    for (const peer of this.#peers) this.#switch.connection(this.self, peer).review();
  }

  setPeers(peers: readonly Peer[]): void {
    if (this.#isClosed) return;
    const before = this.#peers;
    this.#peers = new Set(peers.map(({ id }) => id).filter((id) => id !== this.self));
    for (const peer of before) if (!this.#peers.has(peer)) this.#leave(peer);
    for (const peer of this.#peers) this.#switch.connection(this.self, peer).review();
  }

  send(to: NodeId, frame: Uint8Array): boolean {
    checkFrame(frame);
    if (this.#isClosed || !this.knows(to)) return false;
    const connection = this.#switch.connection(this.self, to);
    if (!connection.isUp(this.self)) return false;
    const queuedBytes = connection.queuedBytes(this.self);
    if (queuedBytes > 0 && queuedBytes + frame.length > this.#switch.queueBytesMax) return false;
    connection.send(this.self, frame);
    if (chance(this.#switch.random, this.#switch.breakChance))
      this.#switch.simulation.soon(() => connection.close(this.self));
    return true;
  }

  queuedBytes(to: NodeId): number {
    return this.#isClosed || !this.knows(to)
      ? 0
      : this.#switch.connection(this.self, to).queuedBytes(this.self);
  }

  async exchange(to: NodeId, request: Exchange, signal?: AbortSignal): Promise<Exchange> {
    checkHead(request.head);
    if (this.#isDead) return new Promise(() => undefined);
    if (this.#isClosed || !this.knows(to))
      throw new NetworkError("unreachable", `node ${to} is not known here`);
    if (signal?.aborted === true) throw new NetworkError("aborted", "the exchange was given up");
    const onAbort = (): void => caller.break(new NetworkError("aborted", "the exchange was given up"));
    const caller = this.#side("caller", to, () => signal?.removeEventListener("abort", onAbort));
    signal?.addEventListener("abort", onAbort);
    this.#call(to, caller, request);
    return caller.received;
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    const error = new NetworkError("broken", "the network was closed");
    for (const side of this.#exchanges.keys()) side.break(error);
    this.#end();
    return Promise.resolve();
  }

  /** The process is dead: it hears nothing any more, its calls never settle, and the others learn from its kernel. */
  kill(): void {
    this.#isDead = true;
    for (const side of this.#exchanges.keys()) side.die();
    this.#end();
  }

  #end(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const peer of this.#peers) this.#switch.connection(this.self, peer).close(this.self);
  }

  /** The far side takes the call after the way there, if there is somebody. */
  #call(to: NodeId, caller: ExchangeSide, request: Exchange): void {
    const there = this.#switch.path(this.self, to);
    const { simulation, silenceMsMax } = this.#switch;
    const fail = (kind: "unreachable" | "refused", message: string): void =>
      caller.fail(new NetworkError(kind, `node ${to} ${message}`));
    const dialing = there.flow<"dial">(() => {
      deadline.cancel();
      dialing.end();
      const process = this.#switch.processOf(to);
      if (process?.receiver === undefined) fail("unreachable", "is not there");
      else if (!process.knows(this.self)) fail("refused", "does not know this node");
      else process.#take(this.self, caller, request);
    });
    const deadline = simulation.after(silenceMsMax, () => {
      dialing.end();
      fail("unreachable", "did not answer");
    });
    dialing.send("dial", 0);
  }

  #take(from: NodeId, caller: ExchangeSide, request: Exchange): void {
    if (caller.isOver) return;
    const controller = new AbortController();
    const answerer = this.#side("answerer", from, (failure) => {
      if (failure !== undefined) controller.abort(failure);
    });
    answerer.connect(caller);
    caller.connect(answerer);
    void caller.send(request);
    void this.#answer(from, answerer, controller.signal);
  }

  async #answer(from: NodeId, answerer: ExchangeSide, signal: AbortSignal): Promise<void> {
    try {
      const request = await answerer.received;
      const answer = await this.receiver?.onExchange(from, request, signal);
      if (answer === undefined) return;
      checkHead(answer.head);
      await answerer.send(answer);
    } catch (cause) {
      // A broken invariant fails the seed, it is no network's trouble.
      if (cause instanceof AssertionError) throw cause;
      answerer.break(new NetworkError("broken", "the exchange failed here", { cause }));
    }
  }

  #side(
    role: "caller" | "answerer",
    peer: NodeId,
    onOver: (failure: NetworkError | undefined) => void,
  ): ExchangeSide {
    const side = new ExchangeSide({
      role,
      inwards: this.#switch.path(peer, this.self),
      outwards: this.#switch.path(this.self, peer),
      onOver: (failure) => {
        this.#exchanges.delete(side);
        onOver(failure);
      },
    });
    this.#exchanges.set(side, peer);
    return side;
  }

  #leave(peer: NodeId): void {
    this.#switch.connection(this.self, peer).close(this.self);
    const error = new NetworkError("broken", `node ${peer} is not known here any more`);
    for (const [side, of] of this.#exchanges) if (of === peer) side.break(error);
  }
}
