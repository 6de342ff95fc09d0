/** The server of `small`, which profiles itself while it is told to. */

import type { Profiler } from "node:inspector";
import { Session } from "node:inspector/promises";
import { Holdfast } from "holdfast";

export interface Profiled {
  readonly profile: Profiler.Profile;
  /** CPU time between both messages, in microseconds. */
  readonly mainMicros: number;
  readonly allMicros: number;
}

const samplingMicros = 200;

const data = process.argv[2];
if (data === undefined) throw new Error("usage: profiled-server.ts DATA");
const holdfast = await Holdfast.start({ nodes: 1, data });
await holdfast.store.createBucket("bench");
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.setSamplingInterval", { interval: samplingMicros });
let main = process.threadCpuUsage();
let all = process.cpuUsage();

async function begin(): Promise<void> {
  await session.post("Profiler.start");
  main = process.threadCpuUsage();
  all = process.cpuUsage();
  process.send?.({});
}

async function end(): Promise<void> {
  const [mainUsed, allUsed] = [process.threadCpuUsage(main), process.cpuUsage(all)];
  const { profile } = await session.post("Profiler.stop");
  const mainMicros = mainUsed.user + mainUsed.system;
  const profiled: Profiled = { profile, mainMicros, allMicros: allUsed.user + allUsed.system };
  process.send?.(profiled);
}

process.on("message", (message) => void (message === "begin" ? begin() : end()));
process.on("disconnect", () => void holdfast.stop().then(() => process.exit(0)));
const port = Number(new URL(holdfast.s3Endpoint).port);
process.send?.({ port, accessKey: holdfast.accessKey, secretKey: holdfast.secretKey });
