/** A process that appends to a bare log as fast as it can, at its parent's word. */

import { once } from "node:events";
import { BareLogLoop } from "../bare-log-loop.ts";

export interface BareLogOptions {
  readonly path: string;
  readonly payloadBytes: number;
  readonly writers: number;
  readonly appends: number;
}

const [options] = (await once(process, "message")) as [BareLogOptions];
const loop = await BareLogLoop.open(options.path);
process.send?.("ready");
await once(process, "message");
const payload = Buffer.alloc(options.payloadBytes, 1);
const startedAt = performance.now();
let left = options.appends;
await Promise.all(
  Array.from({ length: options.writers }, async () => {
    while (left-- > 0) await loop.append(payload);
  }),
);
process.send?.(options.appends / ((performance.now() - startedAt) / 1000));
await loop.close();
process.disconnect();
