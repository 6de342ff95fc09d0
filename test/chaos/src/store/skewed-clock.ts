/**
 * Loaded into each node before its own code: `Date` and `performance.now()`, which are all the clocks that the host reads, are wrong
 * by HOLDFAST_CHAOS_CLOCK, a `ClockSkew` in JSON, and from then on by each one that comes on the channel to the process that
 * started it. Nodes of one machine have its clocks in common, and time namespaces know monotonic ones alone. Timers run as ever:
 * whoever waits for the monotonic clock looks at it again. Certificates are judged by OpenSSL, which sees the right time.
 */

import { isMainThread } from "node:worker_threads";
import type { ClockSkew } from "./clock-skew.ts";
import { SkewedTime } from "./skewed-time.ts";

const RightDate = Date;
const time = new SkewedTime({
  monotonicMs: performance.now.bind(performance),
  wallMs: RightDate.now.bind(RightDate),
});

const SkewedDate = new Proxy(RightDate, {
  apply: () => new RightDate(time.wallMs()).toString(),
  construct: (target, args: readonly unknown[], made) =>
    Reflect.construct(target, args.length === 0 ? [time.wallMs()] : args, made) as Date,
});
RightDate.now = () => time.wallMs();
RightDate.prototype.constructor = SkewedDate;
globalThis.Date = SkewedDate;
performance.now = () => time.monotonicMs();

// Threads have no channel of their own, and ask for no time.
if (isMainThread) {
  const first = process.env["HOLDFAST_CHAOS_CLOCK"];
  if (first !== undefined) time.set(JSON.parse(first) as ClockSkew);
  process.on("message", (skew: ClockSkew) => time.set(skew));
  // Whoever listens would keep the process from ending.
  process.channel?.unref();
}
