/** The network of a node that has no others: there is nobody to speak to, and nobody speaks. */

import type { NodeId } from "@holdfast/base";
import type { Network } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";

export function loneNetwork(self: NodeId): Network {
  return {
    self,
    send: () => false,
    queuedBytes: () => 0,
    exchange: (to) => Promise.reject(new NetworkError("unreachable", `node ${to} is not known here`)),
    listen: () => undefined,
    setPeers: () => undefined,
    close: () => Promise.resolve(),
  };
}
