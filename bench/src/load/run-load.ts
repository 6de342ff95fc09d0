import { fork } from "node:child_process";
import type { LoadOrder, LoadResult } from "./message.ts";

/**
 * Runs the order in a process of its own; one result a phase. Rejects when any answer was not 200; `silent` where that is
 * expected.
 */
export function runLoad(order: LoadOrder, silent: boolean = false): Promise<readonly LoadResult[]> {
  const child = fork(new URL("generator.ts", import.meta.url), { execArgv: process.execArgv, silent });
  const results: LoadResult[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<readonly LoadResult[]>();
  child.on("message", (result: LoadResult) => results.push(result));
  child.on("error", reject);
  child.on("exit", (code) => {
    const failures = results.reduce((sum, result) => sum + result.failures, 0);
    if (code !== 0 || results.length !== order.rounds.length)
      reject(new Error(`load generator ended with ${code}`));
    else if (failures > 0) reject(new Error(`${failures} requests failed`));
    else resolve(results);
  });
  child.send(order);
  return promise;
}
