/** How connections come to be: over mutual TLS, or in the plain between processes of one machine. */

import type { Socket } from "node:net";
import type { NodeId } from "@holdfast/base";
import type { Peer } from "@holdfast/ports";
import type { CertificateRefusal } from "../authority/verify-peer.ts";

export type Protocol = "frames" | "exchanges";

/** Somebody called, and may call. */
export interface IncomingConnection {
  readonly socket: Socket;
  readonly protocol: Protocol;
  /** As its certificate says; undefined where nobody has one, and the caller is taken at its word. */
  readonly from: NodeId | undefined;
}

export type ConnectionRefusal = CertificateRefusal | "no-tls" | "no-protocol" | "too-many";

export interface CarrierListener {
  onConnection(connection: IncomingConnection): void;
  /** Somebody who is no node yet wants to become one. It never happens without security. */
  onJoin(socket: Socket): void;
  onRefused(reason: ConnectionRefusal, message: string, remoteAddress: string): void;
}

export interface Carrier {
  /** Resolves with the port when connections are accepted. StoreError Unavailable when the address cannot be had. */
  listen(host: string, port: number, listener: CarrierListener): Promise<number>;
  /** NetworkError "unreachable", or "refused" when whoever answers is not that peer. */
  dial(peer: Peer, protocol: Protocol, signal: AbortSignal): Promise<Socket>;
  /** NetworkError "refused" when this carrier may not go there. */
  checkAddress(address: string): void;
  /** Takes no more connections and ends all that there are. */
  close(): Promise<void>;
}
