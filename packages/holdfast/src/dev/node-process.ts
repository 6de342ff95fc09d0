/** One node as a child process: started, heard of, ended. The child ends by itself when this process is gone. */

import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../command-line/failure.ts";
import { joinTokenVariable, rejoinTokenVariable } from "../server/membership.ts";
import type { ChildReport } from "../server/parent-channel.ts";
import type { ServedAt } from "../server/ready-line.ts";

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface NodeProcess {
  readonly pid: number | undefined;
  /** Where it serves; rejects with what it reported when it could not start. */
  readonly ready: Promise<ServedAt>;
  readonly ended: Promise<ChildEnd>;
  kill(signal: NodeJS.Signals): void;
}

/** On top of this process' own variables. */
export type NodeEnvironment = Readonly<Record<string, string>>;

/** Runs `holdfast ARGS` on the same Node, from the same sources or the same compiled code. */
export function startNodeProcess(args: readonly string[], environment: NodeEnvironment = {}): NodeProcess {
  const fromSources = import.meta.url.endsWith(".ts");
  const conditions = fromSources ? ["--conditions=holdfast-source"] : [];
  const cli = fileURLToPath(new URL(`../cli${fromSources ? ".ts" : ".js"}`, import.meta.url));
  const child = spawn(process.execPath, [...conditions, cli, ...args], {
    // Standard output is this command's own: whatever a node prints goes to standard error.
    stdio: ["ignore", 2, 2, "ipc"],
    env: {
      NODE_COMPILE_CACHE: join(tmpdir(), `holdfast-compile-cache-${process.getuid?.() ?? 0}`),
      ...process.env,
      // What this command was given by chance leads to another cluster.
      [joinTokenVariable]: "",
      [rejoinTokenVariable]: "",
      ...environment,
    },
  });
  const { promise: ready, resolve, reject } = Promise.withResolvers<ServedAt>();
  const ended = new Promise<ChildEnd>((resolveEnd) => {
    child.once("exit", (code, signal) => {
      reject(
        new Failure(`the node ended before it was ready (${endText({ code, signal })})`, {
          code: "NodeEnded",
        }),
      );
      resolveEnd({ code, signal });
    });
    child.once("error", (cause) => {
      reject(cause);
      if (child.pid === undefined) resolveEnd({ code: 1, signal: null });
    });
  });
  let isReady = false;
  child.on("message", (report: ChildReport) => {
    if (report.kind === "ready") {
      isReady = true;
      resolve(report);
      return;
    }
    const { message, code, next } = report.explanation;
    const failure = new Failure(message, next === undefined ? { code } : { code, next });
    if (isReady) process.stderr.write(`holdfast: node failed: ${code}: ${message}\n`);
    else reject(failure);
  });
  ready.catch(() => undefined);
  return { pid: child.pid, ready, ended, kill: (signal) => void child.kill(signal) };
}

export function endText(end: ChildEnd): string {
  return end.signal === null ? `exit code ${end.code ?? 0}` : `signal ${end.signal}`;
}
