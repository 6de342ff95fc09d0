/** One of several clients that work on the same keys at once: operation after operation until told, or until the store dies. */

import { chance, uniform } from "@holdfast/base";
import { bucketOperation } from "./bucket-operations.ts";
import { listPage, readFile } from "./file-reads.ts";
import { copyFile, deleteFile, putFile } from "./file-writes.ts";
import { uploadOperation } from "./upload-operations.ts";
import type { Worker } from "./worker.ts";

type Operate = (worker: Worker) => Promise<void>;

const mix: readonly { readonly weight: number; readonly operate: Operate }[] = [
  { weight: 30, operate: putFile },
  { weight: 10, operate: deleteFile },
  { weight: 10, operate: copyFile },
  { weight: 20, operate: readFile },
  { weight: 6, operate: listPage },
  { weight: 18, operate: uploadOperation },
  { weight: 4, operate: bucketOperation },
];

export async function runClient(worker: Worker, operationsCount: number): Promise<void> {
  const { session, connection } = worker;
  for (let i = 0; i < operationsCount && !connection.isDead; i++) {
    await anyOperation(worker);
    if (chance(session.random, 0.5)) await connection.pause(uniform(session.random, 3000) / 1000);
    else if (chance(session.random, 0.05)) await connection.pause(uniform(session.random, 200));
  }
}

export function anyOperation(worker: Worker): Promise<void> {
  return pick(worker)(worker);
}

function pick({ session }: Worker): Operate {
  let at = uniform(
    session.random,
    mix.reduce((sum, { weight }) => sum + weight, 0),
  );
  for (const { weight, operate } of mix) {
    if (at < weight) return operate;
    at -= weight;
  }
  return readFile;
}
