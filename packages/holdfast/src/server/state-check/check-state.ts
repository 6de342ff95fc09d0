/**
 * Looks through a state store in a process of its own (S12): LMDB follows what a damaged page says, and then reads memory that is not there,
 * or goes round in circles. That ends the process that looks, not the node.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import type { Journal } from "@holdfast/ports";
import type { StateCheckReport } from "./report.ts";

/** What a read of memory that is not there ends with, an assertion of LMDB's, and the watchdog's word for a process that stands still. */
const ofDamage: ReadonlySet<string> = new Set([
  "SIGSEGV",
  "SIGBUS",
  "SIGABRT",
  "SIGFPE",
  "SIGILL",
  "SIGTRAP",
]);

/** What is wrong with the store in the folder; undefined when nothing was found, or it could not be looked through. */
export async function checkStateApart(
  directory: string,
  journal: Pick<Journal, "warn">,
): Promise<string | undefined> {
  const fromSources = import.meta.url.endsWith(".ts");
  const child = fork(new URL(`./main${fromSources ? ".ts" : ".js"}`, import.meta.url), [directory], {
    // Not this process' own: not all of its options are for another program.
    execArgv: fromSources ? ["--conditions=holdfast-source", "--disable-warning=ExperimentalWarning"] : [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  let report: StateCheckReport | undefined;
  child.on("message", (message: StateCheckReport) => {
    report = message;
  });
  const ended = await Promise.race([once(child, "exit"), once(child, "error")]);
  if (report !== undefined) return report.damage;
  const [code, signal]: readonly unknown[] = ended;
  if (typeof signal === "string" && ofDamage.has(signal))
    return `a process that looked through it ended with ${signal}`;
  journal.warn("state store not looked through", { cause: String(signal ?? code) });
  return undefined;
}
