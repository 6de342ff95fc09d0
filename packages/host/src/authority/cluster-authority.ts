/**
 * The authority of one cluster, made when the cluster is. It signs the certificates by which nodes know each other; a private
 * key of a node never leaves that node: what comes here is a request, which proves that its maker holds the key.
 */

import type { webcrypto } from "node:crypto";
import type { NodeId, Random } from "@holdfast/base";
import { toHex } from "@holdfast/base";
import type { Clock } from "@holdfast/ports";
import { CertificateError } from "./certificate-error.ts";
import { isClusterId, isNodeId, nodeUri } from "./node-name.ts";
import { exportPrivateKey, importPrivateKey, makeKeyPair } from "./private-key.ts";
import type { X509 } from "./x509.ts";
import { keyAlgorithm, loadX509 } from "./x509.ts";

/** Both PEM. */
export interface StoredAuthority {
  readonly certificate: string;
  /** The secret of the whole cluster. */
  readonly key: string;
}

export interface AuthorityContext {
  readonly clock: Clock;
  readonly random: Random;
}

const dayMs = 24 * 60 * 60 * 1000;
export const authorityValidMs: number = 20 * 365 * dayMs;
export const nodeCertificateValidMs: number = 365 * dayMs;
/** Certificates are valid from so long ago: clocks of nodes differ. */
const backdatedMs = 60 * 60 * 1000;

/** The subject of its certificate. */
export function authorityName(clusterId: string): string {
  return `CN=Holdfast cluster ${clusterId}`;
}

/** `clusterId`: up to 64 letters, digits and hyphens. */
export async function createAuthority(
  clusterId: string,
  { clock, random }: AuthorityContext,
): Promise<StoredAuthority> {
  if (!isClusterId(clusterId)) throw new CertificateError(`not a cluster id: ${clusterId}`);
  const x509 = await loadX509();
  const keys = await makeKeyPair();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(random),
    name: authorityName(clusterId),
    ...validity(clock, authorityValidMs),
    signingAlgorithm: keyAlgorithm,
    keys,
    extensions: [
      // It signs nodes, never another authority.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportPrivateKey(keys.privateKey) };
}

export class ClusterAuthority {
  readonly clusterId: string;
  /** PEM. */
  readonly certificate: string;
  readonly #x509: X509;
  readonly #key: webcrypto.CryptoKey;
  readonly #context: AuthorityContext;

  private constructor(
    stored: StoredAuthority,
    context: AuthorityContext,
    x509: X509,
    key: webcrypto.CryptoKey,
  ) {
    const certificate = new x509.X509Certificate(stored.certificate);
    const [name] = certificate.subjectName.getField("CN");
    const clusterId = /^Holdfast cluster (.+)$/.exec(name ?? "")?.[1];
    if (clusterId === undefined || !isClusterId(clusterId))
      throw new CertificateError(`not the certificate of a cluster's authority: ${certificate.subject}`);
    this.clusterId = clusterId;
    this.certificate = stored.certificate;
    this.#context = context;
    this.#x509 = x509;
    this.#key = key;
  }

  /** CertificateError when certificate or key cannot be read. */
  static async open(stored: StoredAuthority, context: AuthorityContext): Promise<ClusterAuthority> {
    const key = await importPrivateKey(stored.key);
    return new ClusterAuthority(stored, context, await loadX509(), key);
  }

  /**
   * A certificate (PEM) for the key that made the request (PEM), in the name of this node, whatever the request says. Who may
   * have which name was decided before. CertificateError when the request is malformed or not signed by its own key.
   */
  async sign(request: string, node: NodeId, validMs: number = nodeCertificateValidMs): Promise<string> {
    if (!isNodeId(node)) throw new CertificateError(`not a node id: ${node}`);
    const x509 = this.#x509;
    const publicKey = await this.#keyOf(request);
    const authority = new x509.X509Certificate(this.certificate);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(this.#context.random),
      subject: `CN=Holdfast node ${node}`,
      issuer: authority.subject,
      ...validity(this.#context.clock, validMs),
      signingAlgorithm: keyAlgorithm,
      publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([
          { type: "url", value: nodeUri({ clusterId: this.clusterId, node }) },
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(await authority.publicKey.export()),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
      ],
    });
    return certificate.toString("pem");
  }

  async #keyOf(request: string): Promise<webcrypto.CryptoKey> {
    try {
      const parsed = new this.#x509.Pkcs10CertificateRequest(request);
      if (await parsed.verify()) return await parsed.publicKey.export(keyAlgorithm, ["verify"]);
    } catch (cause) {
      throw new CertificateError("malformed request for a certificate", { cause });
    }
    throw new CertificateError("the request for a certificate is not signed by its own key");
  }
}

function validity(clock: Clock, validMs: number): { notBefore: Date; notAfter: Date } {
  const nowMs = clock.wallMs();
  return { notBefore: new Date(nowMs - backdatedMs), notAfter: new Date(nowMs + validMs) };
}

/** Positive, and unlike any other. */
function serialNumber(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return toHex(bytes);
}
