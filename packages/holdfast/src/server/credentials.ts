/** The root key of a node: who may do everything. Secrets are never printed. */

import type { Access } from "@holdfast/node";
import { rootAccount } from "@holdfast/node";
import { UsageError } from "../command-line/failure.ts";

export interface RootCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Known to everybody, hence good on loopback alone. */
export const devCredentials: RootCredentials = { accessKey: "holdfast", secretKey: "holdfast-dev-secret" };

export function rootAccess(root: RootCredentials): Access {
  const credentials = { account: rootAccount, secretKey: root.secretKey };
  return {
    credentials: (accessKey) => (accessKey === root.accessKey ? credentials : undefined),
  };
}

/** Nothing listens beyond loopback with keys that everybody knows. */
export function requireOwnCredentials(root: RootCredentials, hosts: readonly string[]): void {
  if (root.secretKey !== devCredentials.secretKey) return;
  const open = hosts.find((host) => !isLoopback(host));
  if (open === undefined) return;
  throw new UsageError(
    `refusing to listen on ${open} with the development keys, which everybody knows: set HOLDFAST_ACCESS_KEY and ` +
      "HOLDFAST_SECRET_KEY (or accessKey and secretKey in the config file), or listen on 127.0.0.1",
  );
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
