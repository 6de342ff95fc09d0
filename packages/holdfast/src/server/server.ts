/** One node's worth of a process: the node on its data directory, and the gateways on their ports. */

import { join } from "node:path";
import { StoreError } from "@holdfast/base";
import type { HttpLimits, HttpListener, PrometheusMetrics } from "@holdfast/host";
import {
  connectionsWithin,
  defaultHttpLimits,
  descriptorLimit,
  descriptorLimitMin,
  listenHttp,
  nodeHashing,
  openDisk,
  openKeyValue,
  pinoJournal,
  prometheusMetrics,
  RequestLog,
  realClock,
  secureRandom,
} from "@holdfast/host";
import type { HoldfastNode, NodeFailure, NodeOptions, NodePlace, NodePorts } from "@holdfast/node";
import { startNode } from "@holdfast/node";
import type { HttpHandler, Journal } from "@holdfast/ports";
import { allMetrics, DiskError } from "@holdfast/ports";
import { Failure, systemErrorCode, UsageError } from "../command-line/failure.ts";
import type { ServerConfig } from "./config.ts";
import { rootAccess } from "./credentials.ts";
import type { ListenAddress } from "./listen-address.ts";
import { listenAddressText } from "./listen-address.ts";
import type { Membership } from "./membership.ts";
import type { IssuedToken } from "./node-network.ts";
import { NodeNetwork } from "./node-network.ts";
import { PhasedHandler } from "./phase.ts";
import { readProcessId } from "./process-id-file.ts";
import { serverFacts } from "./server-facts.ts";
import { checkStateApart } from "./state-check/check-state.ts";

export interface RunningServer {
  /** As bound: a configured port 0 has become a real one. */
  readonly addresses: { readonly s3: ListenAddress; readonly http: ListenAddress };
  readonly node: HoldfastNode;
  /** Resolves when the node can serve no longer. */
  readonly failed: Promise<NodeFailure>;
  /** By which one node may join. StoreError "InvalidRequest" of a node that listens for no others. */
  issueToken(lifetimeMs: number): Promise<IssuedToken>;
  /** Takes no more requests, waits for those under way (up to the deadline), flushes, releases the directory. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly node?: NodeOptions;
  readonly logFormat?: "json" | "text";
  readonly membership?: Membership;
  /** Instead of sockets, for nodes that share a process. */
  readonly openNetwork?: NodePorts["openNetwork"];
}

export async function startServer(
  config: ServerConfig,
  { node: nodeOptions = {}, logFormat = "json", membership, openNetwork }: ServerOptions = {},
): Promise<RunningServer> {
  const token = membership?.join ?? membership?.rejoin;
  if (token !== undefined && config.rpc === undefined)
    throw new UsageError("a node that joins a cluster listens for the others: give --rpc HOST:PORT");
  const journal = pinoJournal({ level: config.log, format: logFormat });
  const metrics = prometheusMetrics();
  const network = networkOf(config, journal, metrics);
  const opened: Opening = { config, journal, metrics, phase: new PhasedHandler(), network };
  const opening = openNetwork === undefined ? opened : { ...opened, openNetwork };
  const files = await openFilesLimit();
  // The gateways' code is loaded, and the HTTP port is bound, while the node waits for its disk.
  const [started, listened, loaded] = await Promise.allSettled([
    openNode(opening, { ...membershipOptions(membership, network), ...nodeOptions }),
    listen(opening, "http", opening.phase.handle, limitsOf(config, files, 1 - s3Part)),
    loadGateways(),
  ]);
  const listeners = listened.status === "fulfilled" ? [listened.value] : [];
  try {
    // A directory that is in use says more than its port being so too.
    const node = settledValue(started);
    const http = settledValue(listened);
    const handlers = settledValue(loaded)(opening, node);
    const s3 = await listen(opening, "s3", handlers.s3, limitsOf(config, files, s3Part));
    listeners.push(s3);
    opening.phase.run(handlers.http);
    network?.serveJoins(node);
    const addresses = { s3: { ...config.s3, port: s3.port }, http: { ...config.http, port: http.port } };
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => {
      opening.phase.stop();
      network?.stop();
      return stopAll(listeners, node);
    };
    const issueToken = (lifetimeMs: number): Promise<IssuedToken> => issueTokenOf(network, node, lifetimeMs);
    return { addresses, node, failed: node.failed, issueToken, stop: () => (stopped ??= stop()) };
  } catch (error) {
    network?.stop();
    await stopAll(listeners, started.status === "fulfilled" ? started.value : undefined);
    throw error;
  }
}

interface Opening {
  readonly config: ServerConfig;
  readonly journal: Journal;
  readonly metrics: PrometheusMetrics;
  readonly phase: PhasedHandler;
  /** Undefined for a node that is alone. */
  readonly network: NodeNetwork | undefined;
  readonly openNetwork?: NodePorts["openNetwork"];
}

function issueTokenOf(
  network: NodeNetwork | undefined,
  node: HoldfastNode,
  lifetimeMs: number,
): Promise<IssuedToken> {
  if (network !== undefined) return network.issueToken(node, lifetimeMs);
  const message = "This node listens for no others. Start it with --rpc HOST:PORT, then nodes can join it.";
  return Promise.reject(new StoreError("InvalidRequest", message));
}

function networkOf(
  { data, rpc }: ServerConfig,
  journal: Journal,
  { metrics }: PrometheusMetrics,
): NodeNetwork | undefined {
  return rpc === undefined ? undefined : new NodeNetwork({ data, rpc, journal, metrics });
}

function membershipOptions(
  membership: Membership | undefined,
  network: NodeNetwork | undefined,
): Pick<NodeOptions, "consensus" | "entrance" | "rejoining"> {
  const { join: token, rejoin, consensus } = membership ?? {};
  const entrance = token === undefined ? undefined : network?.entrance(token);
  const rejoining = rejoin === undefined ? undefined : network?.rejoining(rejoin);
  return {
    ...(consensus === undefined ? {} : { consensus }),
    ...(entrance === undefined ? {} : { entrance }),
    ...(rejoining === undefined ? {} : { rejoining }),
  };
}

function settledValue<T>(result: PromiseSettledResult<T>): T {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

async function openNode(opening: Opening, options: NodeOptions): Promise<HoldfastNode> {
  const { journal, metrics, openNetwork = listeningNetwork(opening) } = opening;
  const { data } = opening.config;
  const disk = await openDisk(data);
  const ports = {
    clock: realClock,
    disk,
    openKeyValue: async (folder: string) => {
      await disk.makeFolder(folder);
      return openKeyValue(join(data, folder));
    },
    checkState: (folder: string) => checkStateApart(join(data, folder), journal),
    random: secureRandom,
    hashing: nodeHashing,
    journal,
    metrics: metrics.metrics,
    ...(openNetwork === undefined ? {} : { openNetwork }),
  };
  try {
    return await startNode(ports, {
      ...opening.config.maintenance,
      place: placeOf(opening.config),
      ...options,
    });
  } catch (error) {
    if (error instanceof DiskError && error.kind === "locked") throw await inUse(data, error);
    throw error;
  }
}

function listeningNetwork({ network, config: { rpc } }: Opening): NodePorts["openNetwork"] {
  if (network === undefined || rpc === undefined) return undefined;
  return async (self, isAlone) => {
    try {
      return await network.open(self, isAlone);
    } catch (error) {
      throw listenFailure(rpc, error);
    }
  };
}

/** As it was told to listen: others reach it there. */
function placeOf({ s3, http, rpc, zone, weight }: ServerConfig): NodePlace {
  return {
    ...(zone === undefined ? {} : { zone }),
    ...(weight === undefined ? {} : { weight }),
    addresses: {
      rpc: rpc === undefined ? "none" : listenAddressText(rpc),
      http: listenAddressText(http),
      s3: listenAddressText(s3),
    },
  };
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

async function loadGateways(): Promise<(opening: Opening, node: HoldfastNode) => Gateways> {
  const [{ createS3Gateway }, { createHttpGateway }] = await Promise.all([
    import("@holdfast/gateway-s3"),
    import("@holdfast/gateway-http"),
  ]);
  return ({ config, journal, metrics, network }, node) => {
    const server = serverFacts();
    const build = { version: server.version, node_version: server.nodeVersion };
    metrics.metrics.watch(allMetrics.buildInfo, build, () => 1);
    const shared = {
      files: node.files,
      access: rootAccess(config.root),
      clock: realClock,
      hashing: nodeHashing,
    };
    const { region, domains, metricsToken } = config;
    return {
      s3: createS3Gateway({ ...shared, journal: journal.with({ gateway: "s3" }), region, domains }),
      http: createHttpGateway({
        ...shared,
        maintenance: node,
        ...(network === undefined
          ? {}
          : { tokens: { issue: (lifetimeMs) => network.issueToken(node, lifetimeMs) } }),
        cluster: node.cluster,
        random: secureRandom,
        journal: journal.with({ gateway: "http" }),
        status: () => node.status(),
        readiness: () => node.readiness(),
        metrics: () => metrics.page(),
        metricsToken,
        server,
      }),
    };
  };
}

/** Of the connections that the process can have, so many are for S3: the HTTP API stays in reach when S3 is besieged. */
const s3Part = 2 / 3;

/** Rejects when so few files may be open that the store could not work. */
async function openFilesLimit(): Promise<number | undefined> {
  const limit = await descriptorLimit();
  if (limit === undefined || limit >= descriptorLimitMin) return limit;
  throw new Failure(`this process may have ${limit} files and connections open, which is too few`, {
    code: "TooFewFiles",
    next: `raise the limit to ${descriptorLimitMin} at least, better 65536 (ulimit -n, or LimitNOFILE of the service)`,
  });
}

function limitsOf(config: ServerConfig, openFilesMax: number | undefined, part: number): Partial<HttpLimits> {
  const connectionsMax = Math.min(defaultHttpLimits.connectionsMax, connectionsWithin(openFilesMax, part));
  return { closeTimeoutMs: config.stopDeadlineMs, connectionsMax };
}

async function listen(
  { config, journal, metrics }: Opening,
  gateway: "s3" | "http",
  handler: HttpHandler,
  limits: Partial<HttpLimits>,
): Promise<HttpListener> {
  const address = config[gateway];
  const accessLog = config.accessLog || config.log === "debug";
  const observer = new RequestLog({ gateway, journal, metrics: metrics.metrics, accessLog });
  try {
    return await listenHttp({
      ...address,
      handler,
      journal: journal.with({ gateway }),
      clock: realClock,
      limits,
      observer,
      upgrades: gateway === "http",
    });
  } catch (error) {
    throw listenFailure(address, error);
  }
}

function listenFailure(address: ListenAddress, error: unknown): unknown {
  const code = systemErrorCode(error instanceof Error ? error.cause : error);
  const where = listenAddressText(address);
  if (code === "EADDRINUSE") {
    const next =
      "stop what listens there, or choose other ports (dev: --base-port, server: --s3, --http and --rpc)";
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
async function stopAll(listeners: readonly HttpListener[], node: HoldfastNode | undefined): Promise<void> {
  try {
    await Promise.all(listeners.map((listener) => listener.close()));
  } finally {
    await node?.stop();
  }
}
