/** `holdfast cluster token`: a join token, alone on standard output; what to do with it stands on standard error. */

import { parseDuration } from "../command-line/duration.ts";
import { timeText } from "../command-line/format.ts";
import type { Session } from "../command-line/session.ts";

export interface TokenFlags {
  readonly lifetime?: string;
}

export async function clusterToken(
  session: Session,
  _names: readonly string[],
  flags: TokenFlags,
): Promise<void> {
  const lifetimeMs = flags.lifetime === undefined ? undefined : parseDuration(flags.lifetime, "--lifetime");
  const { output, signal } = session;
  const issued = await (await session.store()).issueJoinToken({ lifetimeMs, signal });
  await output.result({ kind: "join-token", ...issued }, issued.token);
  if (output.json) return;
  output.note(
    `One node may join by it, once, until ${timeText(issued.expiresAtMs)}; keep it as secret as a key.`,
  );
  output.note("On the machine of the new node, with an address where the others reach it:");
  output.note("  HOLDFAST_JOIN_TOKEN=TOKEN holdfast server --data DIR --rpc HOST:PORT --zone ZONE");
  output.note("(--join TOKEN does the same, where the list of processes may show it.)");
}
