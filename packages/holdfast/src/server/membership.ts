/**
 * How a node with an empty directory comes to belong to a cluster: it founds one, or joins one by a token. Of one run alone: the
 * token is a secret, and never stands in the config file. A node that belongs to a cluster already takes no notice of either.
 */

import { StoreError } from "@holdfast/base";
import type { JoinToken } from "@holdfast/host";
import { UsageError } from "../command-line/failure.ts";
import type { Environment } from "../command-line/settings.ts";

export interface Membership {
  readonly join: JoinToken | undefined;
  /** Of the cluster that is founded. */
  readonly consensus: ConsensusProtocol | undefined;
}

export type ConsensusProtocol = "raft" | "multipaxos";

export interface MembershipFlags {
  readonly join?: string;
  readonly consensus?: string;
}

/** Where a token may stand without being seen in the list of processes. */
export const joinTokenVariable = "HOLDFAST_JOIN_TOKEN";

/** The flag wins over the environment. UsageError, which never quotes the token. */
export async function membershipOf(flags: MembershipFlags, environment: Environment): Promise<Membership> {
  const consensus = parseConsensus(flags.consensus);
  const fromEnvironment = environment[joinTokenVariable] || undefined;
  const token = flags.join ?? fromEnvironment;
  if (token === undefined) return { join: undefined, consensus };
  const source = flags.join === undefined ? joinTokenVariable : "--join";
  if (consensus !== undefined)
    throw new UsageError(
      `the cluster that ${source} leads to has its protocol already: leave --consensus out`,
    );
  return { join: await parseToken(token, source), consensus };
}

export function parseConsensus(text: string | undefined): ConsensusProtocol | undefined {
  if (text === undefined || text === "raft" || text === "multipaxos") return text;
  throw new UsageError(`--consensus is raft or multipaxos, not "${text}"`);
}

async function parseToken(text: string, source: string): Promise<JoinToken> {
  // Loaded where there is a token, and not for every command's help.
  const { parseJoinToken } = await import("@holdfast/host");
  try {
    return parseJoinToken(text);
  } catch (error) {
    if (error instanceof StoreError) throw new UsageError(`${source}: ${error.message}`);
    throw error;
  }
}
