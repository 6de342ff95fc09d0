/** `holdfast dev`: real node processes on loopback until a signal, which ends them all. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../command-line/failure.ts";
import type { ServedAt } from "../server/ready-line.ts";
import { readyLine } from "../server/ready-line.ts";
import { startNodeProcess } from "./node-process.ts";
import type { IssueToken } from "./node-set.ts";
import { NodeSet } from "./node-set.ts";
import type { DevFlags, DevPlan } from "./plan.ts";
import { checkFlags, defaultData, planDev } from "./plan.ts";
import { Signals } from "./signals.ts";

/** Without `issueToken` a new cluster has one node. */
export async function runDev(flags: DevFlags, issueToken?: IssueToken): Promise<void> {
  checkFlags(flags);
  const signals = new Signals();
  const data =
    flags.ephemeral === true ? await mkdtemp(join(tmpdir(), "holdfast-")) : (flags.data ?? defaultData);
  try {
    const plan = await planDev(flags, data, process.stderr.isTTY);
    if (plan.kind === "existing" && flags.consensus !== undefined)
      note("--consensus has no effect: the cluster in this directory has its protocol already");
    const nodes = new NodeSet({
      plan,
      issueToken: issueToken ?? noToken(plan),
      respawn: flags.respawn === true,
      launch: startNodeProcess,
      note,
    });
    const say = (at: ServedAt): void =>
      void process.stdout.write(readyLine({ ...at, nodes: plan.nodes.length, data }, flags.json === true));
    await runNodes(nodes, say, signals);
  } finally {
    if (flags.ephemeral === true) await rm(data, { recursive: true, force: true });
    signals.release();
  }
}

async function runNodes(nodes: NodeSet, say: (at: ServedAt) => void, signals: Signals): Promise<void> {
  // Whoever asks twice does not want to wait.
  void signals.insisted.then(() => nodes.kill());
  try {
    const first = await Promise.race([nodes.start(), signals.requested]);
    if (first === undefined) return;
    say(first);
    await signals.requested;
  } finally {
    await nodes.stop();
  }
}

function noToken({ kind, nodes }: DevPlan): IssueToken {
  if (kind === "new" && nodes.length > 1)
    throw new UsageError(
      `--nodes ${nodes.length}: clusters of several nodes are not there yet; start one node with --nodes 1`,
    );
  return () => Promise.reject(new Error("no node joins"));
}

function note(text: string): void {
  process.stderr.write(`holdfast: ${text}\n`);
}
