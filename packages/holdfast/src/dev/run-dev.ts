/** `holdfast dev`: real node processes on loopback until a signal, which ends them all. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServedAt } from "../server/ready-line.ts";
import { readyLine } from "../server/ready-line.ts";
import { issueToken, untilPlaced } from "./cluster-calls.ts";
import { startNodeProcess } from "./node-process.ts";
import { NodeSet } from "./node-set.ts";
import type { DevFlags } from "./plan.ts";
import { checkFlags, defaultData, planDev } from "./plan.ts";
import { Signals } from "./signals.ts";

export async function runDev(flags: DevFlags): Promise<void> {
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
      issueToken,
      respawn: flags.respawn === true,
      launch: startNodeProcess,
      note,
    });
    const say = (at: ServedAt): void =>
      void process.stdout.write(readyLine({ ...at, nodes: plan.nodes.length, data }, flags.json === true));
    const start = async (): Promise<ServedAt> => {
      const at = await nodes.start();
      // Of an existing cluster a node may be missing for good, and the others serve all the same.
      if (plan.kind === "new") await untilPlaced(at.http, plan.nodes.length);
      return at;
    };
    await runNodes({ nodes, start, say, signals });
  } finally {
    if (flags.ephemeral === true) await rm(data, { recursive: true, force: true });
    signals.release();
  }
}

interface Run {
  readonly nodes: NodeSet;
  readonly start: () => Promise<ServedAt>;
  readonly say: (at: ServedAt) => void;
  readonly signals: Signals;
}

async function runNodes({ nodes, start, say, signals }: Run): Promise<void> {
  // Whoever asks twice does not want to wait.
  void signals.insisted.then(() => nodes.kill());
  try {
    const first = await Promise.race([start(), signals.requested]);
    if (first === undefined) return;
    say(first);
    await signals.requested;
  } finally {
    await nodes.stop();
  }
}

function note(text: string): void {
  process.stderr.write(`holdfast: ${text}\n`);
}
