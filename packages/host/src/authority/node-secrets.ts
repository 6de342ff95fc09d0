/**
 * The secrets of a node in its data directory: `authority.pem`, the cluster's authority, of which every node holds the key
 * (docs/adr/0011), and `node.pem`, the node's own key and certificate. The authority is always written first:
 *
 *   neither      the node belongs to no cluster yet
 *   authority    a crash came between the two: the node signs a certificate for itself
 *   node alone   somebody took the authority away: refused, since another one would make another cluster
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CertificateError } from "./certificate-error.ts";
import type { AuthorityContext, StoredAuthority } from "./cluster-authority.ts";
import { authorityName, ClusterAuthority, createAuthority } from "./cluster-authority.ts";
import type { NodeCredentials } from "./node-credentials.ts";
import { checkCredentials, checkSigned, lifeLeft, requestCertificate } from "./node-credentials.ts";
import type { NodeName } from "./node-name.ts";
import { loadAuthority, loadCredentials, saveAuthority, saveCredentials } from "./secret-files.ts";

export interface NodeSecrets {
  readonly authority: StoredAuthority;
  readonly credentials: NodeCredentials;
}

export interface SecretsPlace extends NodeName, AuthorityContext {
  /** The data directory's path. */
  readonly folder: string;
}

/** Renewed when less of its life is left. */
const renewBelow = 1 / 3;

/** For the node that founds the cluster: what is there, made where it is missing. CertificateError for what is there and wrong. */
export async function openSecrets(place: SecretsPlace): Promise<NodeSecrets> {
  const found = await loadSecrets(place);
  if (found !== undefined) return found;
  await saveAuthority(pathsOf(place).authority, await createAuthority(place.clusterId, place));
  return finishSecrets(place);
}

/**
 * What is there, renewed where it is due; undefined when nothing is. CertificateError when it is not this node's, was damaged, or
 * others may read it.
 */
export async function loadSecrets(place: SecretsPlace): Promise<NodeSecrets | undefined> {
  const paths = pathsOf(place);
  const [hasAuthority, hasNode] = await Promise.all([exists(paths.authority), exists(paths.node)]);
  if (!hasAuthority && !hasNode) return undefined;
  if (!hasAuthority)
    throw new CertificateError(`${paths.authority} is missing: copy it from another node of the cluster`);
  if (!hasNode) return finishSecrets(place);
  const secrets = {
    authority: await loadAuthority(paths.authority),
    credentials: await loadCredentials(paths.node),
  };
  checkSecrets(secrets, place);
  return { ...secrets, credentials: (await renewIfDue(place, secrets)) ?? secrets.credentials };
}

/** For a node that was admitted to a cluster. Repeated after a crash it is as good as once. */
export async function storeSecrets(place: SecretsPlace, secrets: NodeSecrets): Promise<void> {
  checkSecrets(secrets, place);
  const paths = pathsOf(place);
  await saveAuthority(paths.authority, secrets.authority);
  await saveCredentials(paths.node, secrets.credentials);
}

/** New credentials, stored, when less than a third of the old ones' life is left; undefined otherwise. To be asked daily. */
export async function renewIfDue(
  place: SecretsPlace,
  { authority, credentials }: NodeSecrets,
): Promise<NodeCredentials | undefined> {
  if (lifeLeft(credentials, place.clock.wallMs()) >= renewBelow) return undefined;
  const renewed = { ...(await sign(place, authority)), authority: credentials.authority };
  await saveCredentials(pathsOf(place).node, renewed);
  return renewed;
}

/** CertificateError unless the authority is that of the cluster, with its key, and it signed what the node shows. */
export function checkSecrets({ authority, credentials }: NodeSecrets, name: NodeName): void {
  checkAuthority(authority, name.clusterId);
  checkCredentials(credentials, name);
  checkSigned(credentials.certificate, credentials.authority);
}

async function finishSecrets(place: SecretsPlace): Promise<NodeSecrets> {
  const paths = pathsOf(place);
  const authority = await loadAuthority(paths.authority);
  checkAuthority(authority, place.clusterId);
  const credentials = await sign(place, authority);
  await saveCredentials(paths.node, credentials);
  return { authority, credentials };
}

async function sign(place: SecretsPlace, stored: StoredAuthority): Promise<NodeCredentials> {
  const authority = await ClusterAuthority.open(stored, place);
  const { request, key } = await requestCertificate(place.node);
  return { certificate: await authority.sign(request, place.node), key, authority: stored.certificate };
}

function checkAuthority({ certificate, key }: StoredAuthority, clusterId: string): void {
  const parsed = readable("certificate", () => new X509Certificate(certificate));
  if (parsed.subject !== authorityName(clusterId))
    throw new CertificateError(`${parsed.subject} is not the authority of cluster ${clusterId}`);
  if (!parsed.checkPrivateKey(readable("private key", () => createPrivateKey(key))))
    throw new CertificateError("the authority's private key is not that of its certificate");
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new CertificateError(`the authority's ${what} cannot be read`, { cause });
  }
}

function pathsOf({ folder }: SecretsPlace): { readonly authority: string; readonly node: string } {
  return { authority: join(folder, "authority.pem"), node: join(folder, "node.pem") };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
