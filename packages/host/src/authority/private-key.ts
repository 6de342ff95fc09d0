import { webcrypto } from "node:crypto";
import { CertificateError } from "./certificate-error.ts";
import { pemBytes } from "./pem.ts";
import { keyAlgorithm, loadX509 } from "./x509.ts";

export interface KeyPair {
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
}

export function makeKeyPair(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

/** PKCS #8. */
export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  const x509 = await loadX509();
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** CertificateError when it is no P-256 key. */
export async function importPrivateKey(pem: string): Promise<webcrypto.CryptoKey> {
  try {
    return await webcrypto.subtle.importKey("pkcs8", pemBytes(pem), keyAlgorithm, false, ["sign"]);
  } catch (cause) {
    throw new CertificateError("the private key cannot be read: it is not a P-256 key in PKCS #8", { cause });
  }
}
