/** What a certificate is known by where it is not at hand itself. */

import { X509Certificate } from "node:crypto";
import { equalBytes } from "@holdfast/base";
import { nodeHashing } from "../hashing.ts";
import { CertificateError } from "./certificate-error.ts";

/** Of SHA-256. */
export const fingerprintBytes: number = 32;

/** SHA-256 of a certificate (PEM), as `openssl x509 -fingerprint -sha256` shows it. CertificateError when it cannot be read. */
export function certificateFingerprint(certificate: string): Uint8Array {
  try {
    return fingerprintOf(new X509Certificate(certificate));
  } catch (cause) {
    throw new CertificateError("the certificate cannot be read", { cause });
  }
}

export function fingerprintOf({ raw }: X509Certificate): Uint8Array {
  return nodeHashing.hash("sha256", raw);
}

/** Whether the certificate (PEM) has this fingerprint. CertificateError when it cannot be read. */
export function isFingerprint(certificate: string, fingerprint: Uint8Array): boolean {
  return equalBytes(certificateFingerprint(certificate), fingerprint);
}
