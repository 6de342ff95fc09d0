/**
 * What connects the nodes of a simulated cluster, and what can go wrong there. Times are the simulation's: a path that is cut or
 * a node that is paused is noticed by the others after `silenceMsMax`, as a real network's keep-alive does.
 */

import type { NodeId, Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";
import { FaultCounts } from "./fault-counts.ts";
import { NetworkPath } from "./network-path.ts";
import { SimulatedConnection } from "./simulated-connection.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import type { Timeline } from "./timeline.ts";

export interface SimulatedSwitchOptions {
  readonly simulation: Timeline;
  /** The simulation's own unless given. */
  readonly random?: Random;
  /** Each way, uniform between these. */
  readonly latencyMsMin?: number;
  readonly latencyMsMax?: number;
  readonly silenceMsMax?: number;
  /** A connection that was lost is made anew within so much. */
  readonly reconnectMsMax?: number;
  /** Bytes of frames that wait for one node. */
  readonly queueBytesMax?: number;
  /** Of each frame: the connection breaks behind it. */
  readonly breakChance?: number;
}

export class SimulatedSwitch {
  readonly simulation: Timeline;
  readonly random: Random;
  readonly silenceMsMax: number;
  readonly queueBytesMax: number;
  /** May be changed at any time. */
  breakChance: number;
  readonly struck: FaultCounts = new FaultCounts();
  readonly #latencyMs: () => number;
  readonly #reconnectMsMax: number;
  readonly #processes = new Map<NodeId, SimulatedNetwork>();
  readonly #paths = new Map<
    string,
    { readonly path: NetworkPath; readonly from: NodeId; readonly to: NodeId }
  >();
  readonly #connections = new Map<string, SimulatedConnection>();
  readonly #cut = new Set<string>();
  readonly #clogged = new Set<string>();
  readonly #paused = new Set<NodeId>();

  constructor(options: SimulatedSwitchOptions) {
    const { latencyMsMin = 0.1, latencyMsMax = 1 } = options;
    this.simulation = options.simulation;
    this.random = options.random ?? options.simulation.random;
    this.silenceMsMax = options.silenceMsMax ?? 5000;
    this.queueBytesMax = options.queueBytesMax ?? 32 * 1024 * 1024;
    this.breakChance = options.breakChance ?? 0;
    this.#reconnectMsMax = options.reconnectMsMax ?? 100;
    const steps = 1 + Math.round(1000 * (latencyMsMax - latencyMsMin));
    this.#latencyMs = () => latencyMsMin + uniform(this.random, steps) / 1000;
  }

  /** The network of a process of this node. A node's next process opens when the last one was closed or killed. */
  open(self: NodeId): SimulatedNetwork {
    const network = new SimulatedNetwork(this, self);
    this.#processes.set(self, network);
    return network;
  }

  /** What one sends does not reach the other, which notices; the other way stays as it is. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(pathName(from, to));
    this.#refresh();
  }

  heal(from: NodeId, to: NodeId): void {
    this.#cut.delete(pathName(from, to));
    this.#refresh();
  }

  /** Nothing passes between the two groups, either way. */
  partition(some: readonly NodeId[], others: readonly NodeId[]): void {
    for (const a of some)
      for (const b of others) {
        this.#cut.add(pathName(a, b));
        this.#cut.add(pathName(b, a));
      }
    this.#refresh();
  }

  /** As a cut, but the two hear that the other is alive: a peer that takes nothing, or a path without end. */
  clog(from: NodeId, to: NodeId): void {
    this.#clogged.add(pathName(from, to));
    this.#refresh();
  }

  unclog(from: NodeId, to: NodeId): void {
    this.#clogged.delete(pathName(from, to));
    this.#refresh();
  }

  /** The node's process takes nothing and gives no sign of life. Its clock is to be suspended too. */
  pause(node: NodeId): void {
    this.#paused.add(node);
    this.#refresh();
  }

  resume(node: NodeId): void {
    this.#paused.delete(node);
    this.#refresh();
  }

  /** All paths are as they were at the start. */
  healAll(): void {
    this.#cut.clear();
    this.#clogged.clear();
    this.#paused.clear();
    this.#refresh();
  }

  /** The connection for frames between them ends, as by a reset; `first` notices now. */
  breakConnection(first: NodeId, second: NodeId): void {
    this.connection(first, second).close(first);
  }

  processOf(node: NodeId): SimulatedNetwork | undefined {
    return this.#processes.get(node);
  }

  path(from: NodeId, to: NodeId): NetworkPath {
    const name = pathName(from, to);
    const known = this.#paths.get(name);
    if (known !== undefined) return known.path;
    const { simulation, silenceMsMax } = this;
    const path = new NetworkPath({ simulation, silenceMsMax, latencyMs: this.#latencyMs });
    this.#paths.set(name, { path, from, to });
    this.#refreshPath(path, from, to);
    return path;
  }

  connection(a: NodeId, b: NodeId): SimulatedConnection {
    const [dialer, acceptor] = a < b ? [a, b] : [b, a];
    const name = pathName(dialer, acceptor);
    let connection = this.#connections.get(name);
    if (connection === undefined) {
      connection = new SimulatedConnection({
        simulation: this.simulation,
        random: this.random,
        reconnectMsMax: this.#reconnectMsMax,
        dialer,
        acceptor,
        there: this.path(dialer, acceptor),
        back: this.path(acceptor, dialer),
        processOf: (node) => this.#processes.get(node),
        onBroken: (lostFrames) => {
          this.struck.add("broken-connection");
          this.struck.add("lost-frame", lostFrames);
        },
      });
      this.#connections.set(name, connection);
    }
    return connection;
  }

  #refresh(): void {
    for (const { path, from, to } of this.#paths.values()) this.#refreshPath(path, from, to);
    for (const connection of this.#connections.values()) connection.review();
  }

  #refreshPath(path: NetworkPath, from: NodeId, to: NodeId): void {
    const name = pathName(from, to);
    const isCut = this.#cut.has(name);
    path.set({
      isBlocked: isCut || this.#clogged.has(name) || this.#paused.has(to),
      isSilent: isCut || this.#paused.has(from),
    });
  }
}

function pathName(from: NodeId, to: NodeId): string {
  return `${from} ${to}`;
}
