/** Who is at the other end of a TLS connection, once the handshake is over and before a byte of it counts. */

import type { X509Certificate } from "node:crypto";
import type { NodeId } from "@holdfast/base";
import { parseNodeName } from "./node-name.ts";

export interface ShownCertificate {
  /** Undefined when none was shown. */
  readonly certificate: X509Certificate | undefined;
  /** What OpenSSL has against it; undefined when it is valid now and signed by an authority that is trusted. */
  readonly problem: string | undefined;
}

export type VerifiedPeer =
  | { readonly kind: "node"; readonly node: NodeId }
  | { readonly kind: "refused"; readonly reason: CertificateRefusal; readonly message: string };

export type CertificateRefusal =
  | "no-certificate"
  | "expired"
  | "not-yet-valid"
  | "unknown-authority"
  | "other-cluster"
  | "wrong-name"
  | "wrong-node";

/** `dialed`: the node that was called; for one that called us, its certificate says who it is. */
export function verifyPeer(
  { certificate, problem }: ShownCertificate,
  clusterId: string,
  dialed?: NodeId,
): VerifiedPeer {
  if (certificate === undefined) return refused("no-certificate", "it shows no certificate");
  const name = parseNodeName(certificate.subjectAltName);
  if (problem === "CERT_HAS_EXPIRED")
    return refused("expired", `its certificate expired on ${certificate.validTo}`);
  if (problem === "CERT_NOT_YET_VALID")
    return refused(
      "not-yet-valid",
      `its certificate is valid from ${certificate.validFrom} on; one of the clocks is wrong`,
    );
  if (name !== undefined && name.clusterId !== clusterId)
    return refused(
      "other-cluster",
      `its certificate is one of cluster ${name.clusterId}, this one is ${clusterId}`,
    );
  if (problem !== undefined)
    return refused(
      "unknown-authority",
      `its certificate was not signed by this cluster's authority (${problem})`,
    );
  if (name === undefined)
    return refused("wrong-name", `its certificate names no node: ${certificate.subjectAltName ?? "no name"}`);
  if (dialed !== undefined && name.node !== dialed)
    return refused("wrong-node", `node ${dialed} was called, and ${name.node} answered`);
  return { kind: "node", node: name.node };
}

function refused(reason: CertificateRefusal, message: string): VerifiedPeer {
  return { kind: "refused", reason, message };
}
