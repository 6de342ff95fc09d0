/** One node's worth of a process: the node on its data directory, and the gateways on their ports. */

import { join } from "node:path";
import type { StoreError } from "@holdfast/base";
import type { HttpListener } from "@holdfast/host";
import {
  listenHttp,
  nodeHashing,
  openDisk,
  openKeyValue,
  pinoJournal,
  realClock,
  secureRandom,
} from "@holdfast/host";
import type { HoldfastNode, NodeOptions } from "@holdfast/node";
import { startNode } from "@holdfast/node";
import type { HttpHandler, Journal } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { Failure, systemErrorCode } from "../command-line/failure.ts";
import type { ServerConfig } from "./config.ts";
import { rootAccess } from "./credentials.ts";
import type { ListenAddress } from "./listen-address.ts";
import { listenAddressText } from "./listen-address.ts";
import { readProcessId } from "./process-id-file.ts";

export interface RunningServer {
  /** As bound: a configured port 0 has become a real one. */
  readonly addresses: { readonly s3: ListenAddress; readonly http: ListenAddress };
  /** Resolves when the node can serve no longer. */
  readonly failed: Promise<StoreError>;
  /** Takes no more requests, waits for those under way (up to the deadline), flushes, releases the directory. */
  stop(): Promise<void>;
}

export async function startServer(
  config: ServerConfig,
  nodeOptions: NodeOptions = {},
): Promise<RunningServer> {
  const journal = pinoJournal({ level: config.log });
  // The gateways' code is loaded while the node waits for its disk.
  const [node, createGateways] = await Promise.all([openNode(config, journal, nodeOptions), loadGateways()]);
  const listeners: HttpListener[] = [];
  try {
    const handlers = createGateways(config, node, journal);
    const s3 = await listen(config.s3, handlers.s3, config, journal);
    listeners.push(s3);
    const http = await listen(config.http, handlers.http, config, journal);
    listeners.push(http);
    const addresses = { s3: { ...config.s3, port: s3.port }, http: { ...config.http, port: http.port } };
    let stopped: Promise<void> | undefined;
    return { addresses, failed: node.failed, stop: () => (stopped ??= stopAll(listeners, node)) };
  } catch (error) {
    await stopAll(listeners, node);
    throw error;
  }
}

async function openNode(config: ServerConfig, journal: Journal, options: NodeOptions): Promise<HoldfastNode> {
  const { data } = config;
  const disk = await openDisk(data);
  const ports = {
    clock: realClock,
    disk,
    openKeyValue: async (folder: string) => {
      await disk.makeFolder(folder);
      return openKeyValue(join(data, folder));
    },
    random: secureRandom,
    hashing: nodeHashing,
    journal,
  };
  try {
    return await startNode(ports, { ...config.maintenance, ...options });
  } catch (error) {
    if (error instanceof DiskError && error.kind === "locked") throw await inUse(data, error);
    throw error;
  }
}

async function inUse(data: string, cause: unknown): Promise<Failure> {
  const pid = await readProcessId(data);
  const process = pid === undefined ? "another process" : `process ${pid}`;
  const next =
    pid === undefined ? "stop it first" : `stop it first (kill ${pid}), or choose another directory`;
  return new Failure(`the data directory ${data} is in use by ${process}`, {
    code: "DirectoryInUse",
    next,
    cause,
  });
}

interface Gateways {
  readonly s3: HttpHandler;
  readonly http: HttpHandler;
}

async function loadGateways(): Promise<
  (config: ServerConfig, node: HoldfastNode, journal: Journal) => Gateways
> {
  const [{ createS3Gateway }, { createHttpGateway }] = await Promise.all([
    import("@holdfast/gateway-s3"),
    import("@holdfast/gateway-http"),
  ]);
  return (config, node, journal) => {
    const shared = {
      files: node.files,
      access: rootAccess(config.root),
      clock: realClock,
      hashing: nodeHashing,
    };
    const { region, domains } = config;
    return {
      s3: createS3Gateway({ ...shared, journal: journal.with({ gateway: "s3" }), region, domains }),
      http: createHttpGateway({
        ...shared,
        maintenance: node,
        journal: journal.with({ gateway: "http" }),
        status: () => node.status(),
      }),
    };
  };
}

async function listen(
  address: ListenAddress,
  handler: HttpHandler,
  config: ServerConfig,
  journal: Journal,
): Promise<HttpListener> {
  const limits = { closeTimeoutMs: config.stopDeadlineMs };
  try {
    return await listenHttp({ ...address, handler, journal, clock: realClock, limits });
  } catch (error) {
    throw listenFailure(address, error);
  }
}

function listenFailure(address: ListenAddress, error: unknown): unknown {
  const code = systemErrorCode(error instanceof Error ? error.cause : error);
  const where = listenAddressText(address);
  if (code === "EADDRINUSE") {
    const next = "stop what listens there, or choose other ports (dev: --base-port, server: --s3 and --http)";
    return new Failure(`port ${address.port} is in use (${where})`, {
      code: "PortInUse",
      next,
      cause: error,
    });
  }
  if (code === "EACCES") {
    const next = "choose a port above 1023";
    return new Failure(`not allowed to listen on ${where}`, { code: "PortForbidden", next, cause: error });
  }
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    const next = "give an address of this machine";
    return new Failure(`this machine has no address ${address.host}`, {
      code: "NoSuchAddress",
      next,
      cause: error,
    });
  }
  return error;
}

/** Both gateways first, at the same time, so that one deadline covers them; then the node. */
async function stopAll(listeners: readonly HttpListener[], node: HoldfastNode): Promise<void> {
  try {
    await Promise.all(listeners.map((listener) => listener.close()));
  } finally {
    await node.stop();
  }
}
