/** What `holdfast dev` will start: from its flags, and from what the directory already holds. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode, UsageError } from "../command-line/failure.ts";
import { configFileName } from "../server/data-files.ts";
import { parseConsensus } from "../server/membership.ts";
import { clientPortFlags, portFlags, requirePorts } from "./ports.ts";

export interface DevFlags {
  readonly nodes?: string;
  readonly data?: string;
  readonly basePort?: string;
  readonly consensus?: string;
  readonly ephemeral?: boolean;
  readonly respawn?: boolean;
  readonly json?: boolean;
}

export interface DevPlan {
  /** Of a new cluster node 0 starts first, and the others join it; nodes of an existing one start together. */
  readonly kind: "new" | "existing";
  /** At least one, by number. */
  readonly nodes: readonly PlannedNode[];
}

export interface PlannedNode {
  readonly number: number;
  /** Of `holdfast`. */
  readonly args: readonly string[];
  /** The path of its config file. */
  readonly config: string;
}

export const defaultData = ".holdfast";
const defaultBasePort = 9000;
/** Of a cluster that does not exist yet, unless --nodes says otherwise. */
export const newClusterNodes: number = 3;
const nodesMax = 100;

/** What is wrong with the flags whatever the directory holds. */
export function checkFlags(flags: DevFlags): void {
  if (flags.ephemeral === true && flags.data !== undefined) {
    throw new UsageError("--ephemeral keeps nothing and chooses its own directory: leave --data out");
  }
  parseConsensus(flags.consensus);
  nodeCount(flags);
  basePort(flags);
}

/** At a terminal the nodes log for people. */
export async function planDev(flags: DevFlags, data: string, isTerminal: boolean): Promise<DevPlan> {
  const end = [
    ...(isTerminal ? ["--log-format", "text"] : []),
    ...(flags.ephemeral === true ? ["--ephemeral"] : []),
  ];
  const found = await nodesFound(data);
  return found.length === 0 ? newCluster(flags, data, end) : existingCluster(flags, data, end, found);
}

function newCluster(flags: DevFlags, data: string, end: readonly string[]): DevPlan {
  const base = basePort(flags) ?? defaultBasePort;
  const count = nodeCount(flags) ?? newClusterNodes;
  requirePorts(base, count - 1);
  const nodes = Array.from({ length: count }, (_, number): PlannedNode => {
    const folder = folderOf(data, number);
    // Who joins finds out which protocol the cluster speaks.
    const { consensus } = flags;
    const protocol = number === 0 && consensus !== undefined ? ["--consensus", consensus] : [];
    const args = [
      "server",
      "--data",
      folder,
      ...portFlags(base, number),
      "--log",
      "warn",
      ...protocol,
      ...end,
    ];
    return { number, args, config: join(folder, configFileName) };
  });
  return { kind: "new", nodes };
}

function existingCluster(
  flags: DevFlags,
  data: string,
  end: readonly string[],
  found: readonly number[],
): DevPlan {
  const count = nodeCount(flags);
  if (count !== undefined && count !== found.length) throw otherCount(count, found, data, flags);
  const base = basePort(flags);
  if (base !== undefined) requirePorts(base, Math.max(...found));
  const nodes = found.map((number): PlannedNode => {
    const config = join(folderOf(data, number), configFileName);
    const ports = base === undefined ? [] : clientPortFlags(base, number);
    return { number, args: ["server", "--config", config, ...ports, ...end], config };
  });
  return { kind: "existing", nodes };
}

function otherCount(count: number, found: readonly number[], data: string, flags: DevFlags): UsageError {
  const holds = `${data} holds a cluster of ${found.length === 1 ? "1 node" : `${found.length} nodes`}`;
  const next = `leave --nodes out to start it as it is`;
  if (count < found.length)
    return new UsageError(
      `${holds}, more than --nodes ${count}: ${next}; a node leaves it by: holdfast cluster remove`,
    );
  const number = firstFree(found);
  const ports = portFlags(basePort(flags) ?? defaultBasePort, number).join(" ");
  const grow = `holdfast server --data ${folderOf(data, number)} ${ports} --join "$(holdfast cluster token)"`;
  return new UsageError(
    `${holds}, fewer than --nodes ${count}: ${next}, and while it runs it grows by: ${grow}`,
  );
}

function firstFree(found: readonly number[]): number {
  let number = 0;
  while (found.includes(number)) number++;
  return number;
}

function folderOf(data: string, number: number): string {
  return join(data, `node-${number}`);
}

export function nodeCount({ nodes }: DevFlags): number | undefined {
  if (nodes === undefined) return undefined;
  const count = /^\d{1,4}$/.test(nodes) ? Number(nodes) : 0;
  if (count < 1 || count > nodesMax)
    throw new UsageError(`--nodes is a whole number from 1 to ${nodesMax}, not "${nodes}"`);
  return count;
}

/** Port of node 0's S3 gateway; 0 lets the system choose all ports. Undefined when none was asked for. */
function basePort({ basePort: text }: DevFlags): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  // Node 0 needs base, +1 and +2.
  if (port < 0 || port > 65_533)
    throw new UsageError(`--base-port is a number from 0 to 65533, not "${text}"`);
  return port;
}

/** Nodes that were served from this directory before, by number: those that have their config file. */
async function nodesFound(data: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await namesIn(data)) {
    const [, digits] = /^node-(0|[1-9]\d{0,3})$/.exec(name) ?? [];
    if (digits !== undefined && (await namesIn(join(data, name))).includes(configFileName))
      found.push(Number(digits));
  }
  return found.toSorted((a, b) => a - b);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return [];
    throw error;
  }
}
