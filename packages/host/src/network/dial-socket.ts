import type { Socket } from "node:net";
import type { Peer } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import type { HostAndPort } from "./address.ts";
import { parseAddress } from "./address.ts";
import { keepAliveDelayMs } from "./connection-gate.ts";

export function addressOf({ id, address }: Peer): HostAndPort {
  const parsed = parseAddress(address);
  if (parsed === undefined)
    throw new NetworkError("unreachable", `the address of node ${id} is malformed: ${address}`);
  return parsed;
}

export function peerText({ id, address }: Peer): string {
  return `node ${id} at ${address}`;
}

/**
 * Resolves when `event` has come; rejects when the socket fails or the signal is aborted before, and ends the socket then.
 * `who` is for the error's message.
 */
export function connected(
  socket: Socket,
  event: "connect" | "secureConnect",
  who: string,
  signal: AbortSignal,
): Promise<void> {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveDelayMs);
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void => {
      done();
      // Whatever else it has to say is of no interest.
      socket.on("error", () => undefined);
      socket.destroy();
      reject(new NetworkError("unreachable", `${who}: ${reason}`, { cause }));
    };
    const onError = (error: Error): void => fail(error.message, error);
    const onClose = (): void => fail("it closed the connection");
    const onAbort = (): void => fail("it did not answer in time");
    const onConnect = (): void => {
      done();
      resolve();
    };
    const done = (): void => {
      socket.removeListener(event, onConnect);
      socket.removeListener("error", onError);
      socket.removeListener("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    socket.once(event, onConnect);
    socket.once("error", onError);
    socket.once("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
