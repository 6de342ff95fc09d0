import { Worker } from "node:worker_threads";

/** A step is a few milliseconds of work: who takes so long for one goes round in circles, or has a disk that nothing can wait for. */
const silentMsMax = 15_000;
const lookMs = 500;

/** Ends this process with SIGABRT when it was not fed for too long, whatever its main thread is caught in. */
export class Watchdog {
  readonly #fed = new Int32Array(new SharedArrayBuffer(4));

  constructor(silentMs: number = silentMsMax) {
    const worker = new Worker(watching, {
      eval: true,
      workerData: { fed: this.#fed, silentMs, lookMs },
      execArgv: [],
    });
    worker.unref();
  }

  feed(): void {
    Atomics.add(this.#fed, 0, 1);
  }
}

/** In JavaScript, for a thread of its own: sources and build alike run it as it is. */
const watching = `
const { workerData: { fed, silentMs, lookMs } } = require("node:worker_threads");
let [seen, sinceMs] = [Atomics.load(fed, 0), performance.now()];
setInterval(() => {
  const now = Atomics.load(fed, 0);
  if (now !== seen) [seen, sinceMs] = [now, performance.now()];
  else if (performance.now() - sinceMs > silentMs) process.kill(process.pid, "SIGABRT");
}, lookMs);
`;
