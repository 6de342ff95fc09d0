/** What a node's own status tells about it. Pure: the same status gives the same findings. */

import { formatIso8601 } from "@holdfast/base";
import type { ClusterStatus, DamagedReplica } from "@holdfast/client";
import { countText, sizeText } from "../command-line/format.ts";
import { recommendedThreads } from "../server/thread-pool.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";

/** A start replays some hundred thousand entries a second. */
const lagEntriesMax = 1_000_000;
const lagBytesMax = 512 * 1024 * 1024;
/** Twice the time in which a node reads everything it stores. */
const scrubAgeMsMax = 14 * 24 * 60 * 60_000;
const staleScrub = {
  why: "rot that nobody looks for is found when the file is needed",
  next: "run `holdfast scrub --wait`, and see in the node's log what keeps the scrub from finishing",
};
/** Connections and volumes each take a file. */
export const openFilesMin = 4096;

export function nodeFindings(status: ClusterStatus, clientVersion: string): readonly Finding[] {
  return [
    diskFinding(status),
    logFinding(status),
    blocksFinding(status),
    checkpointFinding(status),
    scrubFinding(status),
    replicasFinding(status),
    ...clockFindings(status),
    ...processFindings(status, clientVersion),
  ];
}

function diskFinding({ disk }: ClusterStatus): Finding {
  const { freeBytes, totalBytes, reserveBytes } = disk;
  const what = `${sizeText(freeBytes)} free of ${sizeText(totalBytes)}, reserve ${sizeText(reserveBytes)}`;
  if (freeBytes <= reserveBytes) {
    return problem("disk", what, {
      why: "below the reserve the node refuses new data (OutOfSpace), so that deletes and checkpoints still fit",
      next: "remove files, or give the node a larger disk",
    });
  }
  if (freeBytes <= 2 * reserveBytes) {
    return warning("disk", what, {
      why: "when the reserve is reached, writes are refused",
      next: "remove files, or plan a larger disk",
    });
  }
  return ok("disk", what);
}

function logFinding({ log }: ClusterStatus): Finding {
  const what = `${countText(log.segments, "segment")}, ${sizeText(log.segmentsBytes)}`;
  if (!log.failed) return ok("log", what);
  return problem("log", `${what}; a write failed, and it takes no more`, {
    why: "what a failed write left on the disk is unknown, so nothing may follow it",
    next: "look at the system's messages about the disk, replace it if it reports faults, then start the node again",
  });
}

function blocksFinding({ blocks }: ClusterStatus): Finding {
  const what = `${countText(blocks.blocks, "block")} in ${countText(blocks.volumes, "volume")}`;
  if (blocks.damagedFound > 0) {
    return problem("blocks", `${what}; ${blocks.damagedFound} found damaged since the node started`, {
      why: "files that need them cannot be read whole",
      next: "run `holdfast fsck` to learn which files, and look at the system's messages about the disk",
    });
  }
  if (!blocks.failed) return ok("blocks", what);
  return problem("blocks", `${what}; a write failed, and none are written any more`, {
    why: "files above 16 KiB cannot be stored; reads go on",
    next: "look at the system's messages about the disk, then start the node again",
  });
}

function checkpointFinding({ checkpoint }: ClusterStatus): Finding {
  const { lagEntries, lagBytes } = checkpoint;
  const what = `${countText(lagEntries, "entry", "entries")} and ${sizeText(lagBytes)} behind the log`;
  if (lagEntries <= lagEntriesMax && lagBytes <= lagBytesMax) return ok("checkpoint", what);
  return warning("checkpoint", what, {
    why: "the next start replays all of it before it serves, and the log keeps its files until then",
    next: "see whether the disk keeps up: holdfast_checkpoint_duration_seconds at /metrics",
  });
}

function scrubFinding({ scrub, wallMs, startedAtMs }: ClusterStatus): Finding {
  const { last } = scrub;
  if (last === undefined) {
    const what = "everything stored was not read through yet";
    if (wallMs - startedAtMs <= scrubAgeMsMax) return ok("scrub", what);
    return warning("scrub", what, staleScrub);
  }
  const what = `last read through ${formatIso8601(last.finishedAtMs)}, ${countText(last.blocks, "block")}`;
  const wrong = last.damagedBlocks + last.stateProblems.length;
  if (wrong > 0) {
    return problem("scrub", `${what}; ${countText(wrong, "damage")} found`, {
      why: "what is damaged cannot be read, and with one copy nothing can repair it",
      next: "run `holdfast fsck` to learn which files, and restore them from where they came from",
    });
  }
  return wallMs - last.finishedAtMs <= scrubAgeMsMax ? ok("scrub", what) : warning("scrub", what, staleScrub);
}

function replicasFinding({ replicas }: ClusterStatus): Finding {
  const { damaged, reloaded, lastReloaded, apart } = replicas;
  const check = "replicas";
  if (apart.length > 0)
    return problem(check, apart.join(" "), {
      why: "one of these nodes answers what is not so, and nothing tells which",
      next: "look at the system's messages about disk and memory of these nodes, and replace the one that has faults: join another, drain it, remove it",
    });
  if (damaged.length > 0)
    return problem(check, `damaged here: ${damaged.map(replicaText).join("; ")}`, {
      why: "they are not served by this node until they are loaded anew from other nodes",
      next: "that happens by itself; if one stays, see whether the nodes that have its group are up, and this node's log",
    });
  if (reloaded === 0 || lastReloaded === undefined)
    return ok(check, "no state of a group was found damaged since the node started");
  const what = `${countText(reloaded, "replica")} loaded anew since the node started; the last: ${replicaText(lastReloaded)}`;
  return warning(check, what, {
    why: "what was stored on this node had changed; others had it whole",
    next: "look at the system's messages about this machine's disk and memory",
  });
}

function replicaText({ group, reason }: DamagedReplica): string {
  return `${group === 0 ? "the system group" : `shard ${group - 1}`} (${reason})`;
}

/** A node alone has nothing to compare its clock with. */
function clockFindings({ clock: { standing, aheadMs } }: ClusterStatus): readonly Finding[] {
  const check = "node-clock";
  const next = "set the clocks of all nodes by NTP (timedatectl shows whether it runs)";
  if (standing === "together") return [ok(check, "agrees with the other nodes'")];
  if (standing === "unsure") {
    const why = "until most clocks agree no node says what time it is, and nothing expires";
    return [warning(check, "not borne out by the other nodes'", { why, next })];
  }
  if (standing === "alone") return [];
  const apart = aheadMs > 0 ? "ahead of" : "behind";
  const what = `${Math.round(Math.abs(aheadMs) / 1000)} s ${apart} the other nodes'`;
  const why = "a node whose clock is over a minute away leads nothing, and its time is not used";
  return [problem(check, what, { why, next })];
}

function processFindings({ server }: ClusterStatus, clientVersion: string): readonly Finding[] {
  if (server === undefined) return [];
  const { version, nodeVersion, threadPoolSize, openFilesMax } = server;
  const findings = [versionFinding(version, clientVersion), runtimeFinding("node-runtime", nodeVersion)];
  findings.push(threadsFinding(threadPoolSize));
  if (openFilesMax !== undefined) findings.push(openFilesFinding(openFilesMax));
  return findings;
}

function versionFinding(version: string, clientVersion: string): Finding {
  if (version === clientVersion) return ok("version", `node and command are ${version}`);
  return warning("version", `the node is ${version}, this command ${clientVersion}`, {
    why: "one may know settings and answers that the other does not",
    next: "install the same version of both",
  });
}

/** Of the Node that a process runs on. */
export function runtimeFinding(check: string, nodeVersion: string): Finding {
  const [major = 0, minor = 0] = nodeVersion.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return ok(check, `Node ${nodeVersion}`);
  return problem(check, `Node ${nodeVersion}`, {
    why: "Holdfast is tested on Node 22.18 and newer",
    next: "install a newer Node",
  });
}

function threadsFinding(threads: number): Finding {
  const what = `${threads} threads for disk work`;
  if (threads >= recommendedThreads) return ok("threads", what);
  return warning("threads", what, {
    why: "with several synced streams under way, few threads double the latency of reads",
    next: `start the node with UV_THREADPOOL_SIZE=${recommendedThreads}, or without that variable`,
  });
}

export function openFilesFinding(limit: number): Finding {
  const what = `up to ${limit} open files`;
  if (limit >= openFilesMin) return ok("open-files", what);
  return warning("open-files", what, {
    why: "each connection and each volume takes one; beyond the limit requests are refused",
    next: "raise it (ulimit -n 65536, or LimitNOFILE=65536 in the service's unit) and start the node again",
  });
}
