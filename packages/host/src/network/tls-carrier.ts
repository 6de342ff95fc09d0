/**
 * Mutual TLS 1.3. ALPN says what is spoken: one port serves frames, exchanges, and those who join, who are no nodes yet. Both sides
 * complete the handshake whatever the other one shows, and then `verifyPeer` decides, before a byte is read or written: OpenSSL's
 * verdict, and the names. That way a refusal can say what is wrong.
 */

import { constants } from "node:crypto";
import type { Socket } from "node:net";
import type { SecureContextOptions, Server, TLSSocket } from "node:tls";
import { connect, createSecureContext, createServer } from "node:tls";
import type { Peer } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import type { NodeCredentials } from "../authority/node-credentials.ts";
import { checkCredentials } from "../authority/node-credentials.ts";
import type { NodeName } from "../authority/node-name.ts";
import { pemSections } from "../authority/pem.ts";
import type { VerifiedPeer } from "../authority/verify-peer.ts";
import { verifyPeer } from "../authority/verify-peer.ts";
import { joinProtocolName } from "../join/join-message.ts";
import type { Carrier, CarrierListener, Protocol } from "./carrier.ts";
import { ConnectionGate, listenOn } from "./connection-gate.ts";
import { addressOf, connected, peerText } from "./dial-socket.ts";
import type { NetworkLimits } from "./limits.ts";

const protocolNames: Readonly<Record<Protocol, string>> = {
  frames: "holdfast-frames/1",
  exchanges: "http/1.1",
};

export interface TlsCarrierOptions {
  readonly self: NodeName;
  readonly credentials: NodeCredentials;
  readonly limits: NetworkLimits;
}

export class TlsCarrier implements Carrier {
  readonly #options: TlsCarrierOptions;
  readonly #gate = new ConnectionGate();
  readonly #server: Server;
  #context: SecureContextOptions;

  /** CertificateError for credentials that are not this node's. */
  constructor(options: TlsCarrierOptions) {
    this.#options = options;
    checkCredentials(options.credentials, options.self);
    this.#context = contextOf(options.credentials);
    this.#server = createServer({
      ...this.#context,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: [...Object.values(protocolNames), joinProtocolName],
      handshakeTimeout: options.limits.helloTimeoutMs,
    });
  }

  listen(host: string, port: number, listener: CarrierListener): Promise<number> {
    this.#gate.watch(this.#server, this.#options.limits.unknownConnectionsMax, listener);
    this.#server.on("secureConnection", (socket) => this.#onConnection(socket, listener));
    this.#server.on("tlsClientError", (error, socket) => {
      listener.onRefused("no-tls", error.message, socket.remoteAddress ?? "");
      socket.destroy();
    });
    return listenOn(this.#server, host, port);
  }

  async dial(peer: Peer, protocol: Protocol, signal: AbortSignal): Promise<Socket> {
    const { host, port } = addressOf(peer);
    const socket = connect({
      host,
      port,
      secureContext: createSecureContext(this.#context),
      ALPNProtocols: [protocolNames[protocol]],
      rejectUnauthorized: false,
      // Nodes are known by their ids, not by where they live.
      checkServerIdentity: () => undefined,
    });
    await connected(socket, "secureConnect", peerText(peer), signal);
    const verified = verify(socket, this.#options.self.clusterId, peer);
    if (verified.kind === "node" && socket.alpnProtocol === protocolNames[protocol]) return socket;
    socket.on("error", () => undefined);
    socket.destroy();
    const reason = verified.kind === "refused" ? verified.message : "it does not speak this protocol";
    throw new NetworkError("refused", `${peerText(peer)}: ${reason}`);
  }

  checkAddress(): void {
    // Anywhere.
  }

  /** For handshakes from now on; connections that there are stay. CertificateError for credentials that are not this node's. */
  setCredentials(credentials: NodeCredentials): void {
    checkCredentials(credentials, this.#options.self);
    this.#context = contextOf(credentials);
    this.#server.setSecureContext(this.#context);
  }

  close(): Promise<void> {
    return this.#gate.close(this.#server);
  }

  #onConnection(socket: TLSSocket, listener: CarrierListener): void {
    socket.on("error", () => socket.destroy());
    const refuse = (reason: Parameters<CarrierListener["onRefused"]>[0], message: string): void => {
      listener.onRefused(reason, message, socket.remoteAddress ?? "");
      socket.destroy();
    };
    // It stays unknown: who joins has no certificate yet.
    if (socket.alpnProtocol === joinProtocolName) return listener.onJoin(socket);
    const verified = verify(socket, this.#options.self.clusterId);
    if (verified.kind === "refused") return refuse(verified.reason, verified.message);
    const protocol = protocolOf(socket.alpnProtocol);
    if (protocol === undefined) return refuse("no-protocol", "it names no protocol that is spoken here");
    this.#gate.becameKnown(socket);
    listener.onConnection({ socket, protocol, from: verified.node });
  }
}

function contextOf({ certificate, key, authority }: NodeCredentials): SecureContextOptions {
  return {
    cert: certificate,
    key,
    // OpenSSL shows the certificate's authority, which it finds here, with it: who joins knows it by its fingerprint alone.
    ca: [...pemSections(authority, "CERTIFICATE")],
    minVersion: "TLSv1.3",
    // A resumed session would show a certificate of earlier, which may have expired since.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function verify(socket: TLSSocket, clusterId: string, dialed?: Peer): VerifiedPeer {
  const shown = {
    certificate: socket.getPeerX509Certificate(),
    problem: socket.authorized ? undefined : String(socket.authorizationError),
  };
  return verifyPeer(shown, clusterId, dialed?.id);
}

function protocolOf(name: string | false | null): Protocol | undefined {
  if (name === protocolNames.frames) return "frames";
  return name === protocolNames.exchanges ? "exchanges" : undefined;
}
