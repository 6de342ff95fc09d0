/** What a process uses, as Linux tells it. Memory means RssAnon: resident also counts pages of files it has mapped. */

import { readdirSync, readFileSync } from "node:fs";
import { MiB } from "@holdfast/base";

/** The kernel's unit of CPU time in /proc, the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export function anonymousMiB(pid: number): number {
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
  if (kib === undefined) throw new Error("the kernel does not tell RssAnon");
  return (Number(kib) * 1024) / MiB;
}

export function cpuSeconds(pid: number): number {
  return cpuOf(`/proc/${pid}/stat`).seconds;
}

/** CPU time by the threads' names, of those that live. */
export function cpuSecondsByThread(pid: number): ReadonlyMap<string, number> {
  const byName = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const { name, seconds } = cpuOf(`/proc/${pid}/task/${thread}/stat`);
    byName.set(name, (byName.get(name) ?? 0) + seconds);
  }
  return byName;
}

function cpuOf(statPath: string): { readonly name: string; readonly seconds: number } {
  // The name may hold anything but ends with the last parenthesis.
  const [, name = "", rest = ""] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(statPath, "latin1")) ?? [];
  const fields = rest.split(" ");
  return { name, seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
}

const sampleMs = 20;

/** The most anonymous memory that the process had while `work` ran, sampled. */
export async function peakMemory<T>(pid: number, work: Promise<T>): Promise<{ result: T; peakMiB: number }> {
  let peakMiB = anonymousMiB(pid);
  const timer = setInterval(() => {
    peakMiB = Math.max(peakMiB, anonymousMiB(pid));
  }, sampleMs);
  try {
    return { result: await work, peakMiB };
  } finally {
    clearInterval(timer);
  }
}
