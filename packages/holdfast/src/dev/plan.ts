/** What `holdfast dev` will start: from its flags, and from what the directory already holds. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode, UsageError } from "../command-line/failure.ts";
import { configFileName } from "../server/data-files.ts";

export interface DevFlags {
  readonly nodes?: string;
  readonly data?: string;
  readonly basePort?: string;
  readonly consensus?: string;
  readonly ephemeral?: boolean;
  readonly respawn?: boolean;
  readonly json?: boolean;
}

export const defaultData = ".holdfast";
const defaultBasePort = 9000;

export function checkFlags(flags: DevFlags): void {
  if (flags.ephemeral === true && flags.data !== undefined) {
    throw new UsageError("--ephemeral keeps nothing and chooses its own directory: leave --data out");
  }
  const nodes = nodeCount(flags);
  if (nodes !== undefined && nodes > 1) throw new UsageError(severalNodes(nodes));
  if (flags.consensus !== undefined && flags.consensus !== "raft" && flags.consensus !== "multipaxos") {
    throw new UsageError(`--consensus is raft or multipaxos, not "${flags.consensus}"`);
  }
  basePort(flags);
}

function nodeCount({ nodes }: DevFlags): number | undefined {
  if (nodes === undefined) return undefined;
  const count = /^\d{1,4}$/.test(nodes) ? Number(nodes) : 0;
  if (count < 1) throw new UsageError(`--nodes is a whole number from 1 on, not "${nodes}"`);
  return count;
}

function severalNodes(count: number): string {
  return `--nodes ${count}: clusters of several nodes are not there yet; start one node with --nodes 1`;
}

/** Port of node 0's S3 gateway; 0 lets the system choose all ports. Undefined when none was asked for. */
export function basePort({ basePort: text }: DevFlags): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  // Node 0 needs base, +1 and +2.
  if (port < 0 || port > 65_533)
    throw new UsageError(`--base-port is a number from 0 to 65533, not "${text}"`);
  return port;
}

/** Arguments of `holdfast` for node 0, whose directory is new or was served before; at a terminal it logs for people. */
export async function nodeArguments(
  flags: DevFlags,
  data: string,
  isTerminal: boolean,
): Promise<readonly string[]> {
  const node = join(data, "node-0");
  const end = [
    ...(isTerminal ? ["--log-format", "text"] : []),
    ...(flags.ephemeral === true ? ["--ephemeral"] : []),
  ];
  const existing = await nodesFound(data);
  if (existing === 0) {
    return [
      "server",
      "--data",
      node,
      ...listenFlags(basePort(flags) ?? defaultBasePort),
      "--log",
      "warn",
      ...end,
    ];
  }
  if (existing > 1) throw new UsageError(`${data} holds ${existing} nodes. ${severalNodes(existing)}`);
  const base = basePort(flags);
  return [
    "server",
    "--config",
    join(node, configFileName),
    ...(base === undefined ? [] : listenFlags(base)),
    ...end,
  ];
}

function listenFlags(base: number): readonly string[] {
  const http = base === 0 ? 0 : base + 1;
  return ["--s3", `127.0.0.1:${base}`, "--http", `127.0.0.1:${http}`];
}

/** Nodes that were served from this directory before: those that have their config file. */
async function nodesFound(data: string): Promise<number> {
  const names = await namesIn(data);
  let found = 0;
  for (const name of names.filter((entry) => /^node-\d+$/.test(entry))) {
    if ((await namesIn(join(data, name))).includes(configFileName)) found++;
  }
  return found;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}
