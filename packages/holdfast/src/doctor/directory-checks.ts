/** What a data directory shows to whoever looks at it from outside. Reads only, but for the one file that measures. */

import { readFileSync } from "node:fs";
import { access, constants, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { openDisk } from "@holdfast/host";
import { readIdentity } from "@holdfast/node";
import { DiskError } from "@holdfast/ports";
import { messageOf } from "../command-line/failure.ts";
import type { ConfigFile } from "../server/config.ts";
import { tryReadConfigFile } from "../server/config-file.ts";
import { configFileName } from "../server/data-files.ts";
import { readProcessId } from "../server/process-id-file.ts";
import { spaceFindings } from "./file-system.ts";
import type { Finding } from "./finding.ts";
import { ok, problem, warning } from "./finding.ts";
import { openFilesFinding, runtimeFinding } from "./node-checks.ts";
import { syncFinding } from "./sync-latency.ts";

export interface DirectoryReport {
  readonly findings: readonly Finding[];
  /** A node serves it now. */
  readonly isServed: boolean;
  readonly config: ConfigFile | undefined;
}

export async function directoryReport(directory: string): Promise<DirectoryReport> {
  const missing = await existenceFinding(directory);
  if (missing !== undefined) return { findings: [missing], isServed: false, config: undefined };
  const lock = await lockState(directory);
  const { config, finding } = await configState(directory);
  const mayWrite = await isWritable(directory);
  const findings = [
    await permissionFinding(directory, mayWrite),
    lockFinding(lock),
    finding,
    await identityFinding(directory),
    ...(await spaceFindings(directory)),
    ...(mayWrite ? [await syncFinding(directory)] : []),
    ...openFilesFindings(lock),
    runtimeFinding("runtime", process.versions.node),
  ];
  return { findings, isServed: lock.kind === "held", config };
}

async function existenceFinding(directory: string): Promise<Finding | undefined> {
  try {
    if ((await stat(directory)).isDirectory()) return undefined;
    return problem("directory", `${directory} is no directory`, {
      why: "a node keeps everything in one",
      next: "give the node's data directory: --data DIR",
    });
  } catch (error) {
    return problem("directory", `${directory} cannot be looked at: ${messageOf(error)}`, {
      why: "a node keeps everything in its data directory",
      next: "check the path and its permissions; `holdfast dev` keeps node 0 in .holdfast/node-0",
    });
  }
}

async function isWritable(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function permissionFinding(directory: string, mayWrite: boolean): Promise<Finding> {
  const { mode } = await stat(directory);
  const modeText = (mode & 0o777).toString(8);
  if (!mayWrite) {
    return problem("permissions", `mode ${modeText}: this user may not write here`, {
      why: "a node that runs as this user cannot start",
      next: "run as the node's user, or give the directory to this one (chown)",
    });
  }
  if ((mode & 0o077) === 0) return ok("permissions", `mode ${modeText}`);
  return warning("permissions", `mode ${modeText}: other users may look into it`, {
    why: "it holds what is stored, and the keys",
    next: `chmod 700 ${directory}`,
  });
}

type LockState =
  | { readonly kind: "free" }
  | { readonly kind: "held"; readonly pid: number | undefined }
  | { readonly kind: "unknown"; readonly reason: string };

/** Taken and given back at once: only who gets it knows that nobody has it. It leaves a file behind, but not in an empty directory. */
async function lockState(directory: string): Promise<LockState> {
  try {
    if ((await readdir(directory)).length === 0) return { kind: "free" };
    const disk = await openDisk(directory);
    await (await disk.lock()).release();
    return { kind: "free" };
  } catch (error) {
    if (error instanceof DiskError && error.kind === "locked")
      return { kind: "held", pid: await readProcessId(directory) };
    return { kind: "unknown", reason: messageOf(error) };
  }
}

function lockFinding(lock: LockState): Finding {
  switch (lock.kind) {
    case "free":
      return ok("lock", "no node serves this directory now");
    case "held":
      return ok("lock", `served by process ${lock.pid ?? "unknown"}`);
    case "unknown":
      return warning("lock", `cannot be looked at: ${lock.reason}`, {
        why: "whether a node serves this directory is not known",
        next: "run doctor as the node's user",
      });
  }
}

async function configState(
  directory: string,
): Promise<{ readonly config: ConfigFile | undefined; readonly finding: Finding }> {
  const path = join(directory, configFileName);
  try {
    const config = await tryReadConfigFile(path);
    if (config === undefined)
      return { config, finding: ok("config", `no ${configFileName} yet: flags decide`) };
    const { mode } = await stat(path);
    if ((mode & 0o077) === 0) return { config, finding: ok("config", configFileName) };
    const finding = problem("config", `${configFileName} has mode ${(mode & 0o777).toString(8)}`, {
      why: "other users may read the secret key in it",
      next: `chmod 600 ${path}, and change the key if others could read it`,
    });
    return { config, finding };
  } catch (error) {
    const finding = problem("config", messageOf(error), {
      why: "the node does not start with it",
      next: `correct ${path}`,
    });
    return { config: undefined, finding };
  }
}

async function identityFinding(directory: string): Promise<Finding> {
  try {
    const identity = await readIdentity(await openDisk(directory));
    if (identity === undefined) return ok("identity", "none yet: the directory is new");
    const what = `node ${identity.nodeId} of cluster ${identity.clusterId}, format ${identity.format}`;
    if (identity.complete) return ok("identity", what);
    return warning("identity", `${what}; its first start was never finished`, {
      why: "nothing was stored in it yet",
      next: "start the node: it goes on where it was cut off",
    });
  } catch (error) {
    return problem("identity", messageOf(error), {
      why: "a node refuses to start on a directory that is not whole, so that nothing in it is taken for garbage",
      next: "restore the data directory from a backup, or start the Holdfast that wrote it",
    });
  }
}

/** Of the process that serves; without one, of this shell, from which it may be started. */
function openFilesFindings(lock: LockState): readonly Finding[] {
  const process = lock.kind === "held" && lock.pid !== undefined ? String(lock.pid) : "self";
  try {
    const limits = readFileSync(`/proc/${process}/limits`, "utf8");
    const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return limit === undefined ? [] : [openFilesFinding(Number(limit))];
  } catch {
    return []; // Other systems, and other users' processes, do not tell.
  }
}
