/** What a node shows to the others, and what it knows them by. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import type { NodeId } from "@holdfast/base";
import { CertificateError } from "./certificate-error.ts";
import type { NodeName } from "./node-name.ts";
import { nodeUri, parseNodeName } from "./node-name.ts";
import { pemSections } from "./pem.ts";
import { exportPrivateKey, makeKeyPair } from "./private-key.ts";
import { keyAlgorithm, loadX509 } from "./x509.ts";

/** All PEM. */
export interface NodeCredentials {
  readonly certificate: string;
  /** The node's secret. */
  readonly key: string;
  /** The certificates of the authorities that are trusted: one, or two while the authority changes. */
  readonly authority: string;
}

export interface CertificateRequest {
  /** PEM; goes to the authority. */
  readonly request: string;
  /** PEM; stays here. */
  readonly key: string;
}

/** A new key, and the request for its certificate: for a node that joins, and for one that renews. */
export async function requestCertificate(node: NodeId): Promise<CertificateRequest> {
  const x509 = await loadX509();
  const keys = await makeKeyPair();
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=Holdfast node ${node}`,
    keys,
    signingAlgorithm: keyAlgorithm,
  });
  return { request: request.toString("pem"), key: await exportPrivateKey(keys.privateKey) };
}

/** CertificateError unless these are credentials of this node, with the key of the certificate. */
export function checkCredentials({ certificate, key, authority }: NodeCredentials, name: NodeName): void {
  const parsed = readCertificate(certificate);
  const authorities = pemSections(authority, "CERTIFICATE");
  if (authorities.length === 0) throw new CertificateError("no authority is named that could be trusted");
  for (const each of authorities) readCertificate(each);
  const found = parseNodeName(parsed.subjectAltName);
  if (found?.node !== name.node || found.clusterId !== name.clusterId)
    throw new CertificateError(
      `the certificate names ${parsed.subjectAltName}, this node is ${nodeUri(name)}`,
    );
  if (!parsed.checkPrivateKey(readPrivateKey(key)))
    throw new CertificateError("the private key is not that of the certificate");
}

/** CertificateError unless one of these authorities (PEM) signed the certificate (PEM). */
export function checkSigned(certificate: string, authority: string): void {
  const parsed = readCertificate(certificate);
  const isSigned = pemSections(authority, "CERTIFICATE")
    .map(readCertificate)
    .some((each) => parsed.verify(each.publicKey));
  if (!isSigned)
    throw new CertificateError("the certificate was not signed by the authority that is trusted");
}

/** In milliseconds since 1970: renew well before. */
export function expiresAtMs({ certificate }: NodeCredentials): number {
  return Date.parse(readCertificate(certificate).validTo);
}

/** How much of the certificate's life is left, of 1; below 0 when it has expired. */
export function lifeLeft({ certificate }: NodeCredentials, nowMs: number): number {
  const { validFrom, validTo } = readCertificate(certificate);
  const endMs = Date.parse(validTo);
  return (endMs - nowMs) / (endMs - Date.parse(validFrom));
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new CertificateError("the certificate cannot be read", { cause });
  }
}

function readPrivateKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new CertificateError("the private key cannot be read", { cause });
  }
}
