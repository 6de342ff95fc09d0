/**
 * The receiving end of the network's benchmark, a process of its own. Its first message says what it is to be; each later one how
 * much is to come until it answers with the CPU time that took, in microseconds.
 */

import { createServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { nodeHashing, openNetwork, realClock, secureRandom } from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import type { ReceiverOptions } from "../suites/network.ts";
import { benchCluster, receiverNode, senderNode } from "../suites/network.ts";

/** Frames, or bytes of the bare socket. */
let received = 0;
let wanted = Number.POSITIVE_INFINITY;
let cpuAtStart = process.cpuUsage();

function count(amount: number): void {
  received += amount;
  if (received < wanted) return;
  received = 0;
  wanted = Number.POSITIVE_INFINITY;
  const { user, system } = process.cpuUsage(cpuAtStart);
  process.send?.(user + system);
}

async function start({ kind, credentials }: ReceiverOptions): Promise<string> {
  if (kind === "bare") {
    const server =
      credentials === "none"
        ? createServer()
        : createTlsServer({ cert: credentials.certificate, key: credentials.key, minVersion: "TLSv1.3" });
    server.on(credentials === "none" ? "connection" : "secureConnection", (socket) =>
      socket.on("data", (chunk: Buffer) => count(chunk.length)),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    const address = server.address();
    return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
  }
  const network = await openNetwork({
    self: receiverNode,
    clusterId: benchCluster,
    host: "127.0.0.1",
    port: 0,
    security: credentials,
    clock: realClock,
    random: secureRandom,
    hashing: nodeHashing,
    journal: silentJournal,
  });
  network.listen({
    onFrame: () => count(1),
    onDisconnect: () => undefined,
    onExchange: () => Promise.reject(new Error("frames alone")),
  });
  network.setPeers([{ id: senderNode, address: "127.0.0.1:1" }]);
  return network.address;
}

process.on("disconnect", () => process.exit(0));
process.once("message", (options: ReceiverOptions) => {
  process.on("message", (amount: number) => {
    wanted = amount;
    cpuAtStart = process.cpuUsage();
    count(0);
  });
  void start(options).then((address) => process.send?.(address));
});
