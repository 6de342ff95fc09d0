/** Networks of nodes in one process: a frame arrives in the next turn, there are no exchanges. What sockets cost is not in it. */

import type { NodeId } from "@holdfast/base";
import type { Exchange, Network, NetworkReceiver } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";

export class LoopbackNetwork implements Network {
  readonly self: NodeId;
  readonly #nodes: Map<NodeId, LoopbackNetwork>;
  #receiver: NetworkReceiver | undefined;

  constructor(self: NodeId, nodes: Map<NodeId, LoopbackNetwork>) {
    this.self = self;
    this.#nodes = nodes;
    nodes.set(self, this);
  }

  get receiver(): NetworkReceiver | undefined {
    return this.#receiver;
  }

  send(to: NodeId, frame: Uint8Array): boolean {
    const { receiver } = this.#nodes.get(to) ?? {};
    if (receiver === undefined) return false;
    setImmediate(() => receiver.onFrame(this.self, frame));
    return true;
  }

  queuedBytes(): number {
    return 0;
  }

  exchange(): Promise<Exchange> {
    return Promise.reject(new NetworkError("unreachable", "no exchanges here"));
  }

  listen(receiver: NetworkReceiver): void {
    this.#receiver = receiver;
  }

  setPeers(): void {
    // All are known.
  }

  close(): Promise<void> {
    this.#nodes.delete(this.self);
    return Promise.resolve();
  }
}
