import { collectDefaultMetrics, Registry } from "prom-client";

let registry: Registry | undefined;

/**
 * CPU, memory, garbage collection, event loop delay, open files of this process, under the names that everybody's
 * dashboards use (`process_`, `nodejs_`). One registry for the process, however many nodes run in it: they come with
 * observers of the runtime that cannot be taken away again.
 */
export function processMetrics(): Registry {
  if (registry !== undefined) return registry;
  registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  return registry;
}
