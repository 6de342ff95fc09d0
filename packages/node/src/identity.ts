/**
 * Who a data directory belongs to. The file is written before anything else and says whether the cluster it names was
 * ever complete here: a directory that lost its log or its state is refused, never taken for a new one, since a node that
 * forgot its files would let their blocks be erased (S11).
 */

import type { Random } from "@holdfast/base";
import { StoreError, toHex, utf8, utf8Text } from "@holdfast/base";
import type { Disk } from "@holdfast/ports";
import { listIfPresent, readWhole, replaceWhole } from "@holdfast/ports";
import type { Founding } from "@holdfast/shard";

const fileName = "identity.json";
/**
 * 1: each group's log has commands alone, of one voter. 2: entries of consensus groups, which say what they are
 * (groups/upgrade-logs.ts).
 */
const formatVersion = 2;
export const formatOfLoneVoters = 1;

export interface Identity {
  readonly format: number;
  readonly clusterId: string;
  readonly nodeId: string;
  /** The protocol of the cluster's groups; it has to be known before anything can be read that a group agreed on. */
  readonly consensus: Founding["consensus"];
  /** False until everything in the directory was made: log, state and blocks. Before that nothing was acknowledged. */
  readonly complete: boolean;
  /** Its log was lost, and is made anew (rejoin.ts). */
  readonly rejoin: RejoinRecord | undefined;
}

export interface RejoinRecord {
  /** Tells the token by which it was begun from others, without being it. */
  readonly token: string;
  /** Hexadecimal; of the log that is made. */
  readonly incarnation: string;
  readonly stage: (typeof rejoinStages)[number];
}

const rejoinStages = ["asking", "forgetting", "entering", "done"] as const;

export type NewIdentity = Partial<Pick<Identity, "clusterId" | "consensus">>;

/** Its log, whatever is left of it, and its states are to go. */
export function isForgetting({ rejoin }: Identity): boolean {
  return rejoin?.stage === "forgetting";
}

/** Let in with another log, it has not learned so from its groups yet. */
export function isEntering({ rejoin }: Identity): boolean {
  return rejoin?.stage === "entering";
}

/** What lies in a data directory. */
export const folders = {
  log: "log",
  state: "state",
  blocks: "blocks",
  blockIndex: "block-index",
  /** The list of incomplete blocks. */
  incomplete: "incomplete-blocks",
  /** Which layout this node has promised to follow. */
  placement: "placement",
} as const;

/** `cluster`: the one that a new directory is to belong to, if it is not to be a new one. */
export async function openIdentity(disk: Disk, random: Random, cluster?: NewIdentity): Promise<Identity> {
  const known = await readIdentity(disk);
  if (known !== undefined) {
    // S8: a killed start may have left the name in the page cache alone. Without this sync: 1. a start is killed between
    // rename and sync; 2. the next one makes the log; 3. the power fails: log, but no identity, refused for ever.
    await disk.syncDirectory("");
    return known;
  }
  const identity = {
    format: formatVersion,
    clusterId: cluster?.clusterId ?? toHex(random.bytes(16)),
    nodeId: toHex(random.bytes(8)),
    consensus: cluster?.consensus ?? "raft",
    complete: false,
    rejoin: undefined,
  };
  await writeIdentity(disk, identity);
  return identity;
}

/** Undefined for a directory that no node has begun to fill; DataCorrupt for one that is not whole. Reads only. */
export async function readIdentity(disk: Disk): Promise<Identity | undefined> {
  const stored = await readWhole(disk, fileName);
  if (stored !== undefined) return parseIdentity(stored);
  await refuseOrphans(disk);
  return undefined;
}

/** In today's format, whatever it was read in. */
export function writeIdentity(disk: Disk, identity: Identity): Promise<void> {
  const written = { ...identity, format: formatVersion };
  return replaceWhole(disk, "", fileName, utf8(`${JSON.stringify(written, undefined, 2)}\n`));
}

async function refuseOrphans(disk: Disk): Promise<void> {
  for (const folder of Object.values(folders)) {
    if ((await listIfPresent(disk, folder)).length === 0) continue;
    throw new StoreError(
      "DataCorrupt",
      `The data directory has "${folder}" but no ${fileName}: it is not a whole data directory. Restore ${fileName}, or start on an empty directory.`,
    );
  }
}

function parseIdentity(file: Uint8Array): Identity {
  const identity = parseObject(file);
  const { format, clusterId, nodeId, consensus = "raft", complete, rejoin: stored } = identity ?? {};
  const rejoin = stored === undefined ? undefined : parseRejoin(stored);
  if (typeof format === "number" && format > formatVersion)
    throw new StoreError(
      "NotImplemented",
      `${fileName}: data directory format ${format}; this program knows up to ${formatVersion}. A newer Holdfast wrote this data directory: start that one on it. Nothing was changed.`,
    );
  if (
    typeof format !== "number" ||
    typeof clusterId !== "string" ||
    typeof nodeId !== "string" ||
    (consensus !== "raft" && consensus !== "multipaxos") ||
    typeof complete !== "boolean" ||
    (stored !== undefined && rejoin === undefined)
  )
    throw new StoreError(
      "DataCorrupt",
      `${fileName} of the data directory is damaged. Restore it from a backup.`,
    );
  return { format, clusterId, nodeId, consensus, complete, rejoin };
}

function parseRejoin(stored: unknown): RejoinRecord | undefined {
  const { token, incarnation, stage: name } = objectOf(stored) ?? {};
  const stage = rejoinStages.find((each) => each === name);
  if (typeof token !== "string" || typeof incarnation !== "string" || stage === undefined) return undefined;
  if (!/^[0-9a-f]{32}$/.test(incarnation)) return undefined;
  return { token, incarnation, stage };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function parseObject(file: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    return objectOf(JSON.parse(utf8Text(file)));
  } catch {
    return undefined; // Reported by the caller as a damaged file.
  }
}
