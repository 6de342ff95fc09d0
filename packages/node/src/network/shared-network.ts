/**
 * One network for several services of a node. Each has a view of it that looks like a network of its own. A frame belongs to the
 * service whose formats begin with its first byte; in front of an exchange's head stands a byte that names the service.
 */

import type { NodeId } from "@holdfast/base";
import { assert, concatBytes } from "@holdfast/base";
import type { Exchange, Journal, Network, NetworkReceiver } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";

/** Numbers and first bytes are never given to another service. */
export interface Service {
  /** In front of its exchanges' heads; unique. */
  readonly number: number;
  /** With which its frames begin; none of another service's. */
  readonly frames: readonly number[];
}

export const services: Readonly<
  Record<"groups" | "proposals" | "blocks" | "shards" | "clocks" | "leases" | "states", Service>
> = {
  /** Frames and snapshots of the group host. */
  groups: { number: 1, frames: [1] },
  /** Commands on their way to a group's leader. */
  proposals: { number: 2, frames: [0x40, 0x41] },
  /** Blocks on their way to and from their slots. */
  blocks: { number: 3, frames: [] },
  /** Questions to shards that have a replica elsewhere. */
  shards: { number: 4, frames: [] },
  /** What time the others have. */
  clocks: { number: 5, frames: [0x50, 0x51] },
  /** Whether the others have applied what they must know of. */
  leases: { number: 6, frames: [] },
  /** States of groups as a whole, and their digests. */
  states: { number: 7, frames: [] },
};

export class SharedNetwork {
  readonly #network: Network;
  readonly #journal: Journal;
  readonly #byNumber = new Map<number, NetworkReceiver>();
  readonly #byFrame = new Map<number, NetworkReceiver>();

  constructor(network: Network, journal: Journal) {
    this.#network = network;
    this.#journal = journal;
  }

  view(service: Service): Network {
    const network = this.#network;
    return {
      self: network.self,
      send: (to, frame) => network.send(to, frame),
      queuedBytes: (to) => network.queuedBytes(to),
      exchange: (to, { head, ...rest }, signal) =>
        network.exchange(to, { head: concatBytes([Uint8Array.of(service.number), head]), ...rest }, signal),
      listen: (receiver) => this.#add(service, receiver),
      setPeers: () => assert(false, "the owner of the network says who is in it"),
      close: () => Promise.resolve(),
    };
  }

  /** Behind all views' own. `onTwin`: as NetworkReceiver's. */
  listen(onTwin: (peer: NodeId) => void = () => undefined): void {
    this.#network.listen({
      onTwin,
      onConnect: (peer) => this.#each((receiver) => receiver.onConnect?.(peer)),
      onDisconnect: (peer) => this.#each((receiver) => receiver.onDisconnect(peer)),
      onFrame: (from, frame) => this.#onFrame(from, frame),
      onExchange: (from, request, signal) => this.#onExchange(from, request, signal),
    });
  }

  #add({ number, frames }: Service, receiver: NetworkReceiver): void {
    assert(!this.#byNumber.has(number), `two services of number ${number}`);
    this.#byNumber.set(number, receiver);
    for (const byte of frames) {
      assert(!this.#byFrame.has(byte), `two services of frames that begin with ${byte}`);
      this.#byFrame.set(byte, receiver);
    }
  }

  #each(tell: (receiver: NetworkReceiver) => void): void {
    for (const receiver of this.#byNumber.values()) tell(receiver);
  }

  #onFrame(from: NodeId, frame: Uint8Array): void {
    const receiver = this.#byFrame.get(frame[0] ?? 0);
    if (receiver !== undefined) return receiver.onFrame(from, frame);
    // A newer program may say what this one does not know.
    this.#journal.warn("network.frame.unknown", { from, firstByte: frame[0] ?? -1 });
  }

  async #onExchange(from: NodeId, { head, body }: Exchange, signal: AbortSignal): Promise<Exchange> {
    const receiver = this.#byNumber.get(head[0] ?? 0);
    if (receiver === undefined)
      throw new NetworkError("refused", `no service here has the number ${head[0] ?? -1}`);
    return receiver.onExchange(from, { head: head.subarray(1), body }, signal);
  }
}
