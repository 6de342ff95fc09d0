/**
 * Threads that do the disk's work. With eight synced streams under way the runtime's four threads double the latency of
 * reads. The runtime looks at the variable when the pool is first used, so it is set before anything else is loaded.
 */

const variable = "UV_THREADPOOL_SIZE";
export const recommendedThreads = 16;
const runtimeThreads = 4;

/** What whoever started the process chose, stays. */
export function widenThreadPool(environment: NodeJS.ProcessEnv): void {
  environment[variable] ??= String(recommendedThreads);
}

export function threadPoolSize(environment: Readonly<Record<string, string | undefined>>): number {
  const size = Number(environment[variable]);
  return Number.isInteger(size) && size > 0 ? Math.min(size, 1024) : runtimeThreads;
}
