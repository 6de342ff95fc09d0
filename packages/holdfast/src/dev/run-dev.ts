/** `holdfast dev`: real node processes on loopback until a signal, which ends them all. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure, messageOf } from "../command-line/failure.ts";
import { configFileName } from "../server/data-files.ts";
import type { ServedAt } from "../server/ready-line.ts";
import { readyLine } from "../server/ready-line.ts";
import type { NodeProcess } from "./node-process.ts";
import { endText, startNodeProcess } from "./node-process.ts";
import type { DevFlags } from "./plan.ts";
import { checkFlags, defaultData, nodeArguments } from "./plan.ts";
import { Signals } from "./signals.ts";

export async function runDev(flags: DevFlags): Promise<void> {
  checkFlags(flags);
  const signals = new Signals();
  const data =
    flags.ephemeral === true ? await mkdtemp(join(tmpdir(), "holdfast-")) : (flags.data ?? defaultData);
  try {
    if (flags.consensus !== undefined) note("--consensus has no effect on one node: its log has one voter");
    const say = (at: ServedAt): void =>
      void process.stdout.write(readyLine({ ...at, data }, flags.json === true));
    await runNode(await nodeArguments(flags, data, process.stderr.isTTY), {
      data,
      say,
      respawn: flags.respawn === true,
      signals,
    });
  } finally {
    if (flags.ephemeral === true) await rm(data, { recursive: true, force: true });
    signals.release();
  }
}

interface Run {
  readonly data: string;
  readonly say: (at: ServedAt) => void;
  readonly respawn: boolean;
  readonly signals: Signals;
}

async function runNode(args: readonly string[], { data, say, respawn, signals }: Run): Promise<void> {
  let node = startNodeProcess(args);
  const stopFirst = signals.requested.then(() => "stop" as const);
  try {
    const first = await Promise.race([node.ready, stopFirst]);
    if (first === "stop") return;
    say(first);
    let delayMs = respawnDelayMsMin;
    for (;;) {
      const startedMs = performance.now();
      const end = await Promise.race([node.ended, stopFirst]);
      if (end === "stop") return;
      const again = "it stays down; start it with: holdfast server --config";
      const plan = respawn ? "starting it again" : `${again} ${join(data, "node-0", configFileName)}`;
      note(`node 0 ended (${endText(end)}); ${plan}`);
      if (!respawn) return await signals.requested;
      delayMs =
        performance.now() - startedMs > steadyMs
          ? respawnDelayMsMin
          : Math.min(2 * delayMs, respawnDelayMsMax);
      if ((await Promise.race([pause(delayMs, signals), stopFirst])) === "stop") return;
      node = startNodeProcess(args);
      node.ready.then(
        (at) => note(`node 0 serves again: s3=${at.s3} http=${at.http}`),
        (error: unknown) => note(`node 0 did not start: ${messageOf(error)}`),
      );
    }
  } finally {
    await endNode(node, signals);
  }
}

/** A node that ends again and again is started ever more slowly; one that ran for a while starts at once. */
const respawnDelayMsMin = 250;
const respawnDelayMsMax = 10_000;
const steadyMs = 30_000;
/** The node's own deadlines are shorter. */
const stopDeadlineMs = 45_000;

function pause(delayMs: number, signals: Signals): Promise<"again"> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("again"), delayMs);
    void signals.requested.then(() => clearTimeout(timer));
  });
}

async function endNode(node: NodeProcess, signals: Signals): Promise<void> {
  let late = false;
  const kill = (): void => node.kill("SIGKILL");
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, stopDeadlineMs);
  // Whoever asks twice does not want to wait.
  void signals.insisted.then(kill);
  node.kill("SIGTERM");
  await node.ended;
  clearTimeout(timer);
  if (late) throw new Failure("node 0 did not stop in time and was killed", { code: "StopTimeout" });
}

function note(text: string): void {
  process.stderr.write(`holdfast: ${text}\n`);
}
