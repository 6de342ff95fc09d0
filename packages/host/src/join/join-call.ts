/** One call of a node that joins, at one address: the handshake, who is there, the request, the answer. */

import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { connect } from "node:tls";
import { DecodeError, equalBytes } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { NetworkError } from "@holdfast/ports";
import { fingerprintOf } from "../authority/fingerprint.ts";
import { verifyPeer } from "../authority/verify-peer.ts";
import { parseAddress } from "../network/address.ts";
import { connected } from "../network/dial-socket.ts";
import type { NetworkLimits } from "../network/limits.ts";
import { plainView } from "../plain-view.ts";
import type { JoinAnswer } from "./join-message.ts";
import { decodeJoinAnswer, joinProtocolName } from "./join-message.ts";
import type { JoinToken } from "./join-token.ts";
import { MessageReader } from "./message-reader.ts";

export interface JoinCall {
  readonly address: string;
  readonly token: JoinToken;
  /** The encoded request. */
  readonly message: Uint8Array;
  readonly clock: Clock;
  readonly limits: Pick<NetworkLimits, "helloTimeoutMs" | "joinTimeoutMs">;
  readonly signal?: AbortSignal;
}

/** "unreachable": it was certainly not asked. "unanswered": it may have been, and may have let the node in. */
export type Asked = JoinAnswer | { readonly kind: "unreachable" | "unanswered"; readonly message: string };

/** Never rejects for what the other side does or does not do. */
export async function callToJoin(call: JoinCall): Promise<Asked> {
  let socket: TLSSocket;
  try {
    socket = await within(call, call.limits.helloTimeoutMs, (signal) => dial(call, signal));
  } catch (error) {
    if (error instanceof NetworkError) return { kind: "unreachable", message: error.message };
    throw error;
  }
  try {
    return await within(call, call.limits.joinTimeoutMs, (signal) => ask(socket, call.message, signal));
  } catch (error) {
    if (error instanceof NetworkError || error instanceof DecodeError)
      return { kind: "unanswered", message: error.message };
    throw error;
  } finally {
    socket.destroy();
  }
}

async function within<T>(
  { clock, signal }: JoinCall,
  timeMs: number,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const tooLate = new AbortController();
  const deadline = clock.after(timeMs, () => tooLate.abort());
  try {
    return await act(signal === undefined ? tooLate.signal : AbortSignal.any([signal, tooLate.signal]));
  } finally {
    deadline.cancel();
  }
}

/** A connection to a node of the cluster, by a certificate that was checked. */
async function dial({ address, token, clock }: JoinCall, signal: AbortSignal): Promise<TLSSocket> {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new NetworkError("unreachable", "the address is malformed");
  const socket = connect({
    ...parsed,
    ALPNProtocols: [joinProtocolName],
    minVersion: "TLSv1.3",
    // The authority is not at hand: it is in what the other side shows, and known by its fingerprint.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  await connected(socket, "secureConnect", "it cannot be reached", signal);
  socket.on("error", () => undefined);
  const problem = problemOf(socket, token, clock.wallMs());
  if (problem === undefined) return socket;
  socket.destroy();
  throw new NetworkError("refused", problem);
}

/** Why whoever answered is not believed. */
function problemOf(socket: TLSSocket, token: JoinToken, nowMs: number): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  const authority = certificate?.issuerCertificate;
  if (
    certificate === undefined ||
    authority === undefined ||
    !equalBytes(fingerprintOf(authority), token.authority)
  )
    return "whoever answers there does not show the authority that the token names";
  const shown = { certificate, problem: chainProblem(certificate, authority, nowMs) };
  const verified = verifyPeer(shown, token.clusterId);
  if (verified.kind === "refused") return verified.message;
  return socket.alpnProtocol === joinProtocolName ? undefined : "it does not speak this protocol";
}

/** As OpenSSL would put it: an authority signs nodes and nothing in between, so that the chain has these two. */
function chainProblem(
  certificate: X509Certificate,
  authority: X509Certificate,
  nowMs: number,
): string | undefined {
  if (!certificate.verify(authority.publicKey)) return "CERT_SIGNATURE_FAILURE";
  for (const { validFrom, validTo } of [certificate, authority]) {
    if (nowMs > Date.parse(validTo)) return "CERT_HAS_EXPIRED";
    if (nowMs < Date.parse(validFrom)) return "CERT_NOT_YET_VALID";
  }
  return undefined;
}

function ask(socket: TLSSocket, message: Uint8Array, signal: AbortSignal): Promise<JoinAnswer> {
  const reader = new MessageReader();
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new NetworkError("broken", reason));
    socket.once("close", () => fail("it closed the connection without an answer"));
    signal.addEventListener("abort", () => fail("it did not answer in time"), { once: true });
    socket.on("data", (chunk: Buffer) => {
      try {
        const answer = reader.push(plainView(chunk));
        if (answer !== undefined) resolve(decodeJoinAnswer(answer));
      } catch (cause) {
        reject(cause);
      }
    });
    if (signal.aborted) fail("joining was given up");
    else socket.write(message);
  });
}
