/**
 * One network for several services of a node. Each has a view of it that looks like a network of its own; the first byte of a
 * frame, and of an exchange's head, says whose it is. The services' formats begin with different bytes.
 */

import type { NodeId } from "@holdfast/base";
import { assert } from "@holdfast/base";
import type { Exchange, Journal, Network, NetworkReceiver } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";

export class SharedNetwork {
  readonly #network: Network;
  readonly #journal: Journal;
  readonly #receivers = new Map<number, NetworkReceiver>();

  constructor(network: Network, journal: Journal) {
    this.#network = network;
    this.#journal = journal;
  }

  /** A network to which belongs what begins with one of these bytes. */
  view(firstBytes: readonly number[]): Network {
    const network = this.#network;
    return {
      self: network.self,
      send: (to, frame) => network.send(to, frame),
      queuedBytes: (to) => network.queuedBytes(to),
      exchange: (to, request, signal) => network.exchange(to, request, signal),
      listen: (receiver) => this.#add(firstBytes, receiver),
      setPeers: () => assert(false, "the owner of the network says who is in it"),
      close: () => Promise.resolve(),
    };
  }

  /** Behind all views' own. */
  listen(): void {
    this.#network.listen({
      onConnect: (peer) => this.#each((receiver) => receiver.onConnect?.(peer)),
      onDisconnect: (peer) => this.#each((receiver) => receiver.onDisconnect(peer)),
      onFrame: (from, frame) => this.#onFrame(from, frame),
      onExchange: (from, request, signal) => this.#onExchange(from, request, signal),
    });
  }

  #add(firstBytes: readonly number[], receiver: NetworkReceiver): void {
    for (const byte of firstBytes) {
      assert(!this.#receivers.has(byte), `two services listen to ${byte}`);
      this.#receivers.set(byte, receiver);
    }
  }

  #each(tell: (receiver: NetworkReceiver) => void): void {
    for (const receiver of new Set(this.#receivers.values())) tell(receiver);
  }

  #onFrame(from: NodeId, frame: Uint8Array): void {
    const receiver = this.#receivers.get(frame[0] ?? 0);
    if (receiver !== undefined) return receiver.onFrame(from, frame);
    // A newer program may say what this one does not know.
    this.#journal.warn("network.frame.unknown", { from, firstByte: frame[0] ?? -1 });
  }

  async #onExchange(from: NodeId, request: Exchange, signal: AbortSignal): Promise<Exchange> {
    const receiver = this.#receivers.get(request.head[0] ?? 0);
    if (receiver !== undefined) return receiver.onExchange(from, request, signal);
    throw new NetworkError("refused", `an exchange of a kind that this program does not know`);
  }
}
