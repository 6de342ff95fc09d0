import { fork } from "node:child_process";
import type { ClientLoadOrder, LoadOrder, LoadResult } from "./message.ts";

export interface RunLoadOptions {
  /** Its own end is expected, and nothing is to be seen of it. */
  readonly silent?: boolean;
  /** Answers other than 200 are counted, and are no reason to reject. */
  readonly mayFail?: boolean;
}

/** Runs the order in a process of its own; one result a phase. Rejects when any answer was not 200. */
export function runLoad(order: LoadOrder, options: RunLoadOptions = {}): Promise<readonly LoadResult[]> {
  return runGenerator("generator.ts", order, order.rounds.length, options);
}

/** The same by our own client. */
export async function runClientLoad(order: ClientLoadOrder): Promise<LoadResult> {
  const [result] = await runGenerator("client-generator.ts", order, 1, {});
  if (result === undefined) throw new Error("no result");
  return result;
}

function runGenerator(
  file: string,
  order: LoadOrder | ClientLoadOrder,
  resultCount: number,
  { silent = false, mayFail = false }: RunLoadOptions,
): Promise<readonly LoadResult[]> {
  const child = fork(new URL(file, import.meta.url), { execArgv: process.execArgv, silent });
  const results: LoadResult[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<readonly LoadResult[]>();
  child.on("message", (result: LoadResult) => results.push(result));
  child.on("error", reject);
  child.on("exit", (code) => {
    const failures = results.reduce((sum, result) => sum + result.failures, 0);
    if (code !== 0 || results.length !== resultCount) reject(new Error(`load generator ended with ${code}`));
    else if (failures > 0 && !mayFail) reject(new Error(`${failures} requests failed`));
    else resolve(results);
  });
  child.send(order);
  return promise;
}
