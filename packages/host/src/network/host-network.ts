/** The Network port over real sockets: frames and exchanges on one listening port, over mutual TLS. */

import type { Socket } from "node:net";
import type { NodeId, Random } from "@holdfast/base";
import { assert, toHex } from "@holdfast/base";
import type {
  Clock,
  Exchange,
  Hashing,
  Journal,
  Metrics,
  Network,
  NetworkReceiver,
  Peer,
  Timer,
} from "@holdfast/ports";
import { checkFrame, checkHead, NetworkError, silentMetrics } from "@holdfast/ports";
import type { NodeCredentials } from "../authority/node-credentials.ts";
import { isClusterId, isNodeId } from "../authority/node-name.ts";
import type { JoinHandler } from "../join/join-server.ts";
import { JoinServer } from "../join/join-server.ts";
import { formatAddress } from "./address.ts";
import type { Carrier, IncomingConnection } from "./carrier.ts";
import { ExchangeCaller } from "./exchange-caller.ts";
import { ExchangeServer } from "./exchange-server.ts";
import type { ConnectionEnd } from "./frame-connection.ts";
import { FrameConnection } from "./frame-connection.ts";
import type { Hello } from "./frame-format.ts";
import type { NetworkLimits } from "./limits.ts";
import { defaultNetworkLimits } from "./limits.ts";
import { NetworkMetrics } from "./network-metrics.ts";
import { PeerLink, twinRefusal } from "./peer-link.ts";
import { PlainCarrier } from "./plain-carrier.ts";
import { Refusals } from "./refusals.ts";
import { TlsCarrier } from "./tls-carrier.ts";

export interface OpenNetworkOptions {
  readonly self: NodeId;
  readonly clusterId: string;
  /** Where to listen; port 0 for any free one. */
  readonly host: string;
  readonly port: number;
  /** "none" between addresses of this machine alone. */
  readonly security: NodeCredentials | "none";
  readonly clock: Clock;
  readonly random: Random;
  readonly hashing: Hashing;
  readonly journal: Journal;
  readonly metrics?: Metrics;
  readonly limits?: Partial<NetworkLimits>;
}

/**
 * Resolves when the port is had. StoreError Unavailable when it cannot be, NetworkError "refused" where security is missing,
 * CertificateError for credentials that are not this node's.
 */
export async function openNetwork(options: OpenNetworkOptions): Promise<HostNetwork> {
  const limits = { ...defaultNetworkLimits, ...options.limits };
  const { self, clusterId, clock, security } = options;
  assert(isNodeId(self) && isClusterId(clusterId), `node ${self} of cluster ${clusterId}`);
  const carrier =
    security === "none"
      ? new PlainCarrier(clock, limits)
      : new TlsCarrier({ self: { clusterId, node: self }, credentials: security, limits });
  const network = new HostNetwork(options, limits, carrier);
  await network.open();
  return network;
}

/** What is known of one peer. */
interface Known {
  readonly link: PeerLink;
  readonly caller: ExchangeCaller;
}

export class HostNetwork implements Network {
  readonly self: NodeId;
  readonly #options: OpenNetworkOptions;
  readonly #limits: NetworkLimits;
  readonly #carrier: Carrier;
  readonly #hello: Hello;
  readonly #metrics: NetworkMetrics;
  readonly #refusals: Refusals;
  readonly #server: ExchangeServer;
  readonly #joins: JoinServer;
  readonly #peers = new Map<NodeId, Known>();
  /** Since when these have refused this node for another process of its identity. */
  readonly #twinSinceMs = new Map<NodeId, number>();
  #receiver: NetworkReceiver | undefined;
  #port: number;
  #ticking: Timer | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: OpenNetworkOptions, limits: NetworkLimits, carrier: Carrier) {
    const { self, clusterId, clock, random, journal, metrics = silentMetrics } = options;
    this.self = self;
    this.#options = options;
    this.#limits = limits;
    this.#carrier = carrier;
    this.#port = options.port;
    this.#hello = { clusterId, node: self, incarnation: toHex(random.bytes(8)) };
    const links = (): PeerLink[] => Array.from(this.#peers.values(), ({ link }) => link);
    this.#metrics = new NetworkMetrics(metrics, {
      peers: () => this.#peers.size,
      connectedPeers: () => links().filter(({ isUp }) => isUp).length,
      queueBytes: () => links().reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
    });
    this.#refusals = new Refusals(clock, journal, this.#metrics);
    this.#server = new ExchangeServer({
      clusterId,
      journal,
      limits,
      counts: this.#metrics.answered,
      isPeer: (node) => this.#receiver !== undefined && this.#peers.has(node),
      answer: (from, request, signal) =>
        this.#closing === undefined ? this.#receiver?.onExchange(from, request, signal) : undefined,
      onRefused: (message, remoteAddress) => this.#refusals.add("not-a-peer", message, remoteAddress),
    });
    this.#joins = new JoinServer({
      clock,
      journal,
      limits,
      onRefused: (problem, message, remoteAddress) => this.#refusals.add(problem, message, remoteAddress),
    });
  }

  /** `host:port` that is listened on. */
  get address(): string {
    return formatAddress({ host: this.#options.host, port: this.#port });
  }

  async open(): Promise<void> {
    const { host, port } = this.#options;
    this.#port = await this.#carrier.listen(host, port, {
      onConnection: (connection) => this.#onConnection(connection),
      onJoin: (socket) => (this.#closing === undefined ? this.#joins.take(socket) : socket.destroy()),
      onRefused: (reason, message, remoteAddress) => this.#refusals.add(reason, message, remoteAddress),
    });
    this.#tickLater();
  }

  listen(receiver: NetworkReceiver): void {
    assert(this.#receiver === undefined, "listens twice");
    this.#receiver = receiver;
    for (const { link } of this.#peers.values()) link.start();
  }

  setPeers(peers: readonly Peer[]): void {
    if (this.#closing !== undefined) return;
    for (const { address } of peers) this.#carrier.checkAddress(address);
    const wanted = new Map(peers.map((peer) => [peer.id, peer]));
    wanted.delete(this.self);
    for (const [id, { link }] of this.#peers) {
      if (wanted.get(id)?.address === link.peer.address) wanted.delete(id);
      else this.#forget(id, "the peer is not known any more");
    }
    for (const peer of wanted.values()) this.#add(peer);
  }

  send(to: NodeId, frame: Uint8Array): boolean {
    checkFrame(frame);
    return this.#peers.get(to)?.link.send(frame) === true;
  }

  queuedBytes(to: NodeId): number {
    return this.#peers.get(to)?.link.queuedBytes ?? 0;
  }

  async exchange(to: NodeId, request: Exchange, signal?: AbortSignal): Promise<Exchange> {
    checkHead(request.head);
    const known = this.#peers.get(to);
    if (known === undefined) throw new NetworkError("unreachable", `node ${to} is not known here`);
    return known.caller.call(request, signal);
  }

  /** Shown from the next handshake on; connections that there are stay. CertificateError for what is not this node's. */
  setCredentials(credentials: NodeCredentials): void {
    assert(this.#carrier instanceof TlsCarrier, "credentials for a network without security");
    this.#carrier.setCredentials(credentials);
  }

  /**
   * Answers those who want to join, from now on. NetworkError "refused" without security: nobody is known then, and the answer
   * holds the authority's key.
   */
  serveJoins(handler: JoinHandler): void {
    if (!(this.#carrier instanceof TlsCarrier))
      throw new NetworkError("refused", "a node without security admits nobody: it has no authority");
    this.#joins.serve(handler);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #close(): Promise<void> {
    this.#ticking?.cancel();
    for (const id of this.#peers.keys()) this.#forget(id, "the network was closed");
    return this.#carrier.close();
  }

  #tickLater(): void {
    this.#ticking = this.#options.clock.after(this.#limits.aliveIntervalMs, () => {
      this.#tickLater();
      for (const { link } of this.#peers.values()) link.tick();
    });
  }

  #add(peer: Peer): void {
    const { clusterId, clock, random, journal } = this.#options;
    const limits = this.#limits;
    const link = new PeerLink({
      peer,
      dials: this.self < peer.id,
      clock,
      random,
      journal,
      limits,
      metrics: this.#metrics,
      dial: (to, signal) => this.#carrier.dial(to, "frames", signal),
      open: (socket, ofLink) => this.#openDialed(socket, ofLink),
      onUp: () => {
        this.#twinSinceMs.delete(peer.id);
        this.#receiver?.onConnect?.(peer.id);
      },
      onTwin: () => this.#onTwin(peer.id),
      onFrame: (payload) => this.#receiver?.onFrame(peer.id, payload),
      onDown: (end) => this.#onDown(peer.id, end),
    });
    const caller = new ExchangeCaller({
      clusterId,
      self: this.self,
      limits,
      counts: this.#metrics.asked,
      dial: (signal) => this.#dialForExchange(peer, signal),
    });
    this.#peers.set(peer.id, { link, caller });
    if (this.#receiver !== undefined) link.start();
  }

  #forget(id: NodeId, message: string): void {
    const known = this.#peers.get(id);
    if (known === undefined) return;
    this.#peers.delete(id);
    const wasUp = known.link.close(message);
    known.caller.close(new NetworkError("broken", message));
    this.#server.breakFrom(id);
    if (wasUp)
      this.#options.clock.soon(() => {
        if (this.#closing === undefined) this.#receiver?.onDisconnect(id);
      });
  }

  /** For a while a process that has died may still be taken for one that is connected. */
  #onTwin(id: NodeId): void {
    const nowMs = this.#options.clock.monotonicMs();
    const sinceMs = this.#twinSinceMs.get(id) ?? nowMs;
    this.#twinSinceMs.set(id, sinceMs);
    if (nowMs - sinceMs >= this.#limits.twinMs) this.#receiver?.onTwin?.(id);
  }

  #onDown(id: NodeId, end: ConnectionEnd): void {
    this.#receiver?.onDisconnect(id);
    if (end.reason !== "silent") return;
    // Exchanges have no sign of life of their own: one may rightly be quiet for long.
    this.#peers.get(id)?.caller.breakAll(new NetworkError("broken", `node ${id} fell silent`));
    this.#server.breakFrom(id);
  }

  async #dialForExchange(peer: Peer, signal: AbortSignal): Promise<Socket> {
    const tooLate = new AbortController();
    const deadline = this.#options.clock.after(this.#limits.helloTimeoutMs, () => tooLate.abort());
    try {
      return await this.#carrier.dial(peer, "exchanges", AbortSignal.any([signal, tooLate.signal]));
    } finally {
      deadline.cancel();
    }
  }

  #openDialed(socket: Socket, link: PeerLink): FrameConnection {
    const { clock, hashing } = this.#options;
    const { id } = link.peer;
    const connection: FrameConnection = new FrameConnection({
      socket,
      side: "dialer",
      hello: this.#hello,
      clock,
      hashing,
      limits: this.#limits,
      judge: (hello) =>
        this.#judgeCluster(hello) ??
        (hello.node === id ? undefined : `node ${id} was called, and ${hello.node} answered`),
      onUp: (hello) => link.onUp(connection, hello),
      onFrame: (payload) => link.onFrame(connection, payload),
      onEnd: (end) => link.onEnd(connection, end),
    });
    return connection;
  }

  #onConnection({ socket, protocol, from }: IncomingConnection): void {
    if (this.#closing !== undefined) socket.destroy();
    else if (protocol === "exchanges") this.#server.take(socket, from);
    else this.#accept(socket, from);
  }

  #accept(socket: Socket, from: NodeId | undefined): void {
    const { clock, hashing } = this.#options;
    const remoteAddress = socket.remoteAddress ?? "";
    let link: PeerLink | undefined;
    const connection: FrameConnection = new FrameConnection({
      socket,
      side: "acceptor",
      hello: this.#hello,
      clock,
      hashing,
      limits: this.#limits,
      judge: (hello) => this.#judgeCaller(hello, from),
      onUp: (hello) => {
        link = this.#peers.get(hello.node)?.link;
        link?.onUp(connection, hello);
      },
      onFrame: (payload) => link?.onFrame(connection, payload),
      onEnd: (end) => {
        if (isFault(end)) this.#refusals.add(end.reason, end.message, remoteAddress);
        link?.onEnd(connection, end);
      },
    });
  }

  #judgeCluster({ clusterId }: Hello): string | undefined {
    const ours = this.#hello.clusterId;
    return clusterId === ours ? undefined : `the caller is of cluster ${clusterId}, this node of ${ours}`;
  }

  #judgeCaller(hello: Hello, from: NodeId | undefined): string | undefined {
    const otherCluster = this.#judgeCluster(hello);
    if (otherCluster !== undefined) return otherCluster;
    if (from !== undefined && hello.node !== from)
      return `the hello is of node ${hello.node}, the certificate of ${from}`;
    if (this.#receiver === undefined || !this.#peers.has(hello.node))
      return `node ${hello.node} is not known at node ${this.self}`;
    if (hello.node > this.self) return `node ${this.self} calls node ${hello.node}, never the other way`;
    return this.#peers.get(hello.node)?.link.isTwin(hello) === true
      ? `${twinRefusal}, node ${hello.node}: stop one of the two`
      : undefined;
  }
}

/** What the other side sent, or failed to send, ended the connection; not that it went away. */
function isFault({ reason }: ConnectionEnd): boolean {
  return reason !== "lost" && reason !== "closed" && reason !== "silent";
}
