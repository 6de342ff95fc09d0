/** The listening socket's connections: bounded while they are unknown, and ended together. */

import type { AddressInfo, Server, Socket } from "node:net";
import { StoreError } from "@holdfast/base";
import type { CarrierListener } from "./carrier.ts";

export class ConnectionGate {
  readonly #open = new Set<Socket>();
  #knownCount = 0;

  /** Counts the raw connections of the server; beyond `unknownMax` that are not known yet, new ones are closed. */
  watch(server: Server, unknownMax: number, listener: CarrierListener): void {
    server.on("connection", (socket: Socket) => {
      socket.setNoDelay(true);
      socket.setKeepAlive(true, keepAliveDelayMs);
      socket.on("error", () => socket.destroy());
      if (this.#open.size - this.#knownCount >= unknownMax) {
        listener.onRefused("too-many", "too many connections are unknown", socket.remoteAddress ?? "");
        socket.destroy();
        return;
      }
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** It has said who it is. */
  becameKnown(socket: Socket): void {
    this.#knownCount++;
    socket.once("close", () => this.#knownCount--);
  }

  async close(server: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}

/** Before the kernel asks a silent other side whether it is still there. */
export const keepAliveDelayMs: number = 5000;

/** Resolves with the port. */
export async function listenOn(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `Cannot listen on ${host} port ${port}: ${cause.message}. Choose another port or stop what uses it.`;
      reject(new StoreError("Unavailable", message, { retryable: false, fields: { host, port }, cause }));
    });
    server.listen({ host, port, backlog: 1024 }, resolve);
  });
  server.removeAllListeners("error");
  // Accepting fails now and then (descriptors); the server goes on.
  server.on("error", () => undefined);
  const address: AddressInfo | string | null = server.address();
  return address !== null && typeof address === "object" ? address.port : port;
}
