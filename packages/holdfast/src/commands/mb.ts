/** `holdfast mb`: makes a bucket. */

import { UsageError } from "../command-line/failure.ts";
import { parseBucket } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";
import { parseSize } from "../command-line/size.ts";

export interface MbFlags {
  readonly redundancy?: string;
  readonly blockSize?: string;
}

export async function mb(session: Session, names: readonly string[], flags: MbFlags): Promise<void> {
  const bucket = parseBucket(names[0] ?? "");
  const { redundancy } = flags;
  if (redundancy !== undefined && !/^(?:replicas:\d+|erasure:\d+\+\d+)$/.test(redundancy)) {
    throw new UsageError(`--redundancy is replicas:N or erasure:K+M, not "${redundancy}"`);
  }
  const blockBytes = flags.blockSize === undefined ? undefined : parseSize(flags.blockSize, "--block-size");
  const store = await session.store();
  const made = await store.createBucket(bucket, { redundancy, blockBytes, signal: session.signal });
  await session.output.result({ kind: "bucket", ...made }, `hf://${made.name}`);
}
