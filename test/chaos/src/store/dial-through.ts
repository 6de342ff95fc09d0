/**
 * Loaded into each node before its own code: what it dials goes through the proxies of HOLDFAST_CHAOS_DIALS, a JSON object from
 * `host:port`, as the cluster's records have it, to a port of this machine. Nodes announce where they listen themselves, so
 * the way from one to another can be stopped for one of them alone only where it is dialled.
 */

import { createRequire, syncBuiltinESMExports } from "node:module";
import type * as Tls from "node:tls";

const tls = createRequire(import.meta.url)("node:tls") as { connect: typeof Tls.connect };
const dials = JSON.parse(process.env["HOLDFAST_CHAOS_DIALS"] ?? "{}") as Readonly<Record<string, number>>;
const direct = tls.connect as (...args: readonly unknown[]) => Tls.TLSSocket;

function connect(...[options, ...rest]: readonly unknown[]): Tls.TLSSocket {
  const { host, port } = (typeof options === "object" ? options : {}) as Tls.ConnectionOptions;
  const through = dials[`${host}:${port}`];
  return direct(
    through === undefined ? options : { ...(options as object), host: "127.0.0.1", port: through },
    ...rest,
  );
}

tls.connect = connect as typeof Tls.connect;
syncBuiltinESMExports();
