/** `holdfast rb`: removes an empty bucket. */

import { parseBucket } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export async function rb(session: Session, names: readonly string[]): Promise<void> {
  const bucket = parseBucket(names[0] ?? "");
  const store = await session.store();
  await store.deleteBucket(bucket, { signal: session.signal });
  if (session.output.json) await session.output.result({ kind: "removed", bucket }, "");
}
