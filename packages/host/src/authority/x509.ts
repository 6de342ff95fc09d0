/** The certificate library, loaded when it is first needed: importing it takes 180 ms, and most commands never do. */

import { webcrypto } from "node:crypto";

export type X509 = typeof import("@peculiar/x509");

let loaded: Promise<X509> | undefined;

export function loadX509(): Promise<X509> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<X509> {
  // Its decorators write into it while it is imported.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

/** ECDSA with P-256 and SHA-256: what every TLS library speaks, small and fast. */
export const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
