/**
 * Keys on disk: one file for a key and all that belongs to it, so that a renewal replaces both in one step; readable by the
 * process' user alone, and refused when others could read it.
 */

import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CertificateError } from "./certificate-error.ts";
import type { StoredAuthority } from "./cluster-authority.ts";
import type { NodeCredentials } from "./node-credentials.ts";
import { pemSections } from "./pem.ts";

const ownerOnly = 0o600;

export async function saveAuthority(path: string, { key, certificate }: StoredAuthority): Promise<void> {
  await replaceSecret(path, [key, certificate]);
}

/** CertificateError when the file is not what `saveAuthority` writes, or others may read it. */
export async function loadAuthority(path: string): Promise<StoredAuthority> {
  const { key, certificates } = await loadSecret(path);
  const [certificate, ...others] = certificates;
  if (certificate === undefined || others.length > 0)
    throw new CertificateError(`${path} is to hold one certificate; it holds ${certificates.length}`);
  return { key, certificate };
}

export async function saveCredentials(path: string, credentials: NodeCredentials): Promise<void> {
  await replaceSecret(path, [credentials.key, credentials.certificate, credentials.authority]);
}

/** CertificateError when the file is not what `saveCredentials` writes, or others may read it. */
export async function loadCredentials(path: string): Promise<NodeCredentials> {
  const { key, certificates } = await loadSecret(path);
  const [certificate, ...authorities] = certificates;
  if (certificate === undefined || authorities.length === 0)
    throw new CertificateError(`${path} is to hold the node's certificate and its authority's`);
  return { key, certificate, authority: authorities.join("") };
}

/** Durable, and either the old or the new one whole. */
async function replaceSecret(path: string, parts: readonly string[]): Promise<void> {
  const temporary = `${path}.new`;
  await rm(temporary, { force: true });
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, ownerOnly);
  try {
    await file.writeFile(parts.map((part) => `${part.trim()}\n`).join(""));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const folder = await open(dirname(path), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function loadSecret(path: string): Promise<{ key: string; certificates: readonly string[] }> {
  const file = await open(path, constants.O_RDONLY);
  try {
    const { mode } = await file.stat();
    if (process.platform !== "win32" && (mode & 0o077) !== 0)
      throw new CertificateError(`${path} holds a private key and others may read it: chmod 600 ${path}`);
    const text = await file.readFile("utf8");
    const [key, ...others] = pemSections(text, "PRIVATE KEY");
    if (key === undefined || others.length > 0)
      throw new CertificateError(`${path} is to hold one private key`);
    return { key, certificates: pemSections(text, "CERTIFICATE") };
  } finally {
    await file.close();
  }
}
