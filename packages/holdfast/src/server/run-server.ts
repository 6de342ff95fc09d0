/** `holdfast server`: one node until a signal, or until the process that started it is gone. */

import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { NodeFailure } from "@holdfast/node";
import { Failure, UsageError } from "../command-line/failure.ts";
import type { Environment } from "../command-line/settings.ts";

import type { ConfigFile, ServerConfig } from "./config.ts";
import { checkConfig, environmentConfig, resolveConfig } from "./config.ts";
import { readConfigFile, tryReadConfigFile, writeConfigFile } from "./config-file.ts";
import { prepareDataDirectory } from "./data-directory.ts";
import { configFileName } from "./data-files.ts";
import { settleHeap } from "./heap-settings.ts";
import { urlOf } from "./listen-address.ts";
import type { Membership, MembershipFlags } from "./membership.ts";
import { membershipOf } from "./membership.ts";
import type { ParentChannel } from "./parent-channel.ts";
import { openParentChannel } from "./parent-channel.ts";
import { removeProcessId, writeProcessId } from "./process-id-file.ts";
import { readyLine } from "./ready-line.ts";
import type { RunningServer } from "./server.ts";

export interface ServerFlags extends MembershipFlags {
  readonly config?: string;
  readonly data?: string;
  readonly s3?: string;
  readonly http?: string;
  readonly rpc?: string;
  readonly zone?: string;
  readonly weight?: string;
  readonly region?: string;
  readonly domain?: readonly string[];
  readonly log?: string;
  readonly accessLog?: boolean;
  /** "json" or "text"; of this run alone, not of the config file. */
  readonly logFormat?: string;
  /** The data directory is removed at the end. */
  readonly ephemeral?: boolean;
  readonly json?: boolean;
}

export async function loadServerConfig(flags: ServerFlags, environment: Environment): Promise<ServerConfig> {
  const { s3, http, rpc, zone, region, domain, log, accessLog } = flags;
  const data = flags.data === undefined ? undefined : resolve(flags.data);
  const weight = weightOf(flags);
  const given = checkConfig(
    { data, s3, http, rpc, zone, weight, region, domains: domain, log, accessLog },
    "flags",
  );
  return resolveConfig([await configFileOf(flags.config, data), environmentConfig(environment), given]);
}

function weightOf({ weight }: ServerFlags): number | undefined {
  if (weight === undefined) return undefined;
  const number = /^\d{1,4}$/.test(weight) ? Number(weight) : 0;
  if (number >= 1 && number <= 1000) return number;
  throw new UsageError(`--weight is a whole number from 1 to 1000, not "${weight}"`);
}

/** A data directory that was served before brings its own. */
async function configFileOf(path: string | undefined, data: string | undefined): Promise<ConfigFile> {
  if (path !== undefined) return readConfigFile(path);
  if (data === undefined) throw new UsageError("no data directory: give --data DIR or --config FILE");
  return (await tryReadConfigFile(join(data, configFileName))) ?? {};
}

/** Resolves when the node has stopped as it was asked to. */
export async function runServer(flags: ServerFlags): Promise<void> {
  const stopRequested = untilSignal();
  const parent = openParentChannel();
  try {
    const membership = await membershipOf(flags, process.env);
    const config = await loadServerConfig(flags, process.env);
    await serve({
      config,
      membership,
      flags,
      parent,
      stopRequested: Promise.race([stopRequested, parent.gone]),
    });
  } catch (error) {
    if (!parent.connected) throw error;
    // The parent says it, once, in its own words.
    await parent.reportFailure(error);
    process.exitCode = 1;
  } finally {
    parent.close();
  }
}

interface Serving {
  readonly config: ServerConfig;
  readonly membership: Membership;
  readonly flags: ServerFlags;
  readonly parent: ParentChannel;
  readonly stopRequested: Promise<void>;
}

async function serve({ config: given, membership, flags, parent, stopRequested }: Serving): Promise<void> {
  const { ephemeral = false, json = false, logFormat = "json" } = flags;
  if (logFormat !== "json" && logFormat !== "text")
    throw new UsageError(`--log-format is json or text, not "${logFormat}"`);
  const config = await withFreePorts(given);
  await prepareDataDirectory(config.data);
  if (ephemeral) await requireEmpty(config.data);
  settleHeap();
  const onReady = async ({ addresses }: RunningServer): Promise<void> => {
    // Only now the directory is ours: a start that was refused must not touch the files of the one that runs.
    await writeProcessId(config.data);
    await writeConfigFile(config);
    const at = { s3: urlOf(addresses.s3), http: urlOf(addresses.http) };
    if (parent.connected) await parent.reportReady(at);
    else process.stdout.write(readyLine({ ...at, nodes: 1, data: config.data }, json));
  };
  const { startServer } = await import("./server.ts");
  const start = async (): Promise<RunningServer> => {
    const server = await Promise.race([startServer(config, { logFormat, membership }), stopRequested]);
    return server ?? endStart(ephemeral ? config.data : undefined);
  };
  const first = await start();
  try {
    await untilStopped(first, { onReady, start, stopRequested, config });
  } finally {
    await removeProcessId(config.data);
    if (ephemeral) await rm(config.data, { recursive: true, force: true });
  }
}

interface Running {
  readonly onReady: (server: RunningServer) => Promise<void>;
  readonly start: () => Promise<RunningServer>;
  readonly stopRequested: Promise<void>;
  readonly config: ServerConfig;
}

/** A node that has to make its state store anew does so in this process. */
async function untilStopped(
  first: RunningServer,
  { onReady, start, stopRequested, config }: Running,
): Promise<void> {
  let server = first;
  for (;;) {
    let failure: NodeFailure | void;
    try {
      if (server === first) await onReady(server);
      failure = await Promise.race([stopRequested, server.failed]);
    } finally {
      await stopInTime(server, config);
    }
    if (failure === undefined) return;
    if (!failure.startsAnew) nodeFailed(failure);
    server = await start();
  }
}

async function stopInTime(server: RunningServer, { stopDeadlineMs }: ServerConfig): Promise<void> {
  const watchdog = setTimeout(giveUp, stopDeadlineMs + flushDeadlineMs);
  await server.stop();
  clearTimeout(watchdog);
}

/**
 * A start may wait for other nodes for as long as they are away, and so would its stop. What it wrote so far is what a crash would
 * leave, and the next start begins with that.
 */
async function endStart(ephemeralData: string | undefined): Promise<never> {
  if (ephemeralData !== undefined) await rm(ephemeralData, { recursive: true, force: true });
  process.stderr.write("holdfast: stopped before the node was ready\n");
  process.exit(0);
}

/** The others are told where this node listens, and remember it: a free port is chosen before, and kept in the config file. */
export async function withFreePorts(config: ServerConfig): Promise<ServerConfig> {
  const { s3, http, rpc } = config;
  if (rpc === undefined) return config;
  const { withPort } = await import("./node-network.ts");
  return { ...config, s3: await withPort(s3), http: await withPort(http), rpc: await withPort(rpc) };
}

/** What is removed at the end must not have been there before us. */
async function requireEmpty(directory: string): Promise<void> {
  if ((await readdir(directory)).length === 0) return;
  throw new UsageError(
    `--ephemeral removes ${directory} at the end, and it is not empty: give an empty or a new one`,
  );
}

/** What a stop may take beyond the requests under way. */
const flushDeadlineMs = 20_000;

/** Everything acknowledged is on the disk already: ending without the flush costs the next start some time, no data. */
function giveUp(): void {
  process.stderr.write("holdfast: StopTimeout: the node did not stop in time; ending it\n");
  process.exit(1);
}

function nodeFailed(reason: Error): never {
  throw new Failure(reason.message, {
    code: "NodeFailed",
    next: "look at the journal above and at the disk, then start the node again",
    cause: reason,
  });
}

/** Further signals change nothing: the stop has a deadline of its own. */
function untilSignal(): Promise<void> {
  return new Promise((resolveSignal) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolveSignal());
  });
}
