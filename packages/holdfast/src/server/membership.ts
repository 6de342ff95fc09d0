/**
 * How a node with an empty directory comes to belong to a cluster: it founds one, or joins one by a token. Of one run alone: the
 * token is a secret, and never stands in the config file. A node that belongs to a cluster already takes no notice of either. One that
 * lost its log comes back by a token too (S11).
 */

import { StoreError } from "@holdfast/base";
import type { JoinToken } from "@holdfast/host";
import { UsageError } from "../command-line/failure.ts";
import type { Environment } from "../command-line/settings.ts";

export interface Membership {
  readonly join: JoinToken | undefined;
  readonly rejoin: JoinToken | undefined;
  /** Of the cluster that is founded. */
  readonly consensus: ConsensusProtocol | undefined;
}

export type ConsensusProtocol = "raft" | "multipaxos";

export interface MembershipFlags {
  readonly join?: string;
  readonly rejoin?: string;
  readonly consensus?: string;
}

/** Where a token may stand without being seen in the list of processes. */
export const joinTokenVariable = "HOLDFAST_JOIN_TOKEN";
export const rejoinTokenVariable = "HOLDFAST_REJOIN_TOKEN";

/** A flag wins over the environment. UsageError, which never quotes the token. */
export async function membershipOf(flags: MembershipFlags, environment: Environment): Promise<Membership> {
  const consensus = parseConsensus(flags.consensus);
  const from = (name: string): GivenToken | undefined => given(environment[name] || undefined, name);
  const join = given(flags.join, "--join") ?? from(joinTokenVariable);
  const rejoin = given(flags.rejoin, "--rejoin") ?? from(rejoinTokenVariable);
  const token = join ?? rejoin;
  if (token !== undefined && consensus !== undefined)
    throw new UsageError(
      `the cluster that ${token.source} leads to has its protocol already: leave --consensus out`,
    );
  if (join !== undefined && rejoin !== undefined)
    throw new UsageError(
      `${join.source} is for a new node, ${rejoin.source} for one that lost its log: leave one of them out`,
    );
  return { join: await parseToken(join), rejoin: await parseToken(rejoin), consensus };
}

interface GivenToken {
  readonly text: string;
  readonly source: string;
}

function given(text: string | undefined, source: string): GivenToken | undefined {
  return text === undefined ? undefined : { text, source };
}

export function parseConsensus(text: string | undefined): ConsensusProtocol | undefined {
  if (text === undefined || text === "raft" || text === "multipaxos") return text;
  throw new UsageError(`--consensus is raft or multipaxos, not "${text}"`);
}

async function parseToken(token: GivenToken | undefined): Promise<JoinToken | undefined> {
  if (token === undefined) return undefined;
  const { text, source } = token;
  // Loaded where there is a token, and not for every command's help.
  const { parseJoinToken } = await import("@holdfast/host");
  try {
    return parseJoinToken(text);
  } catch (error) {
    if (error instanceof StoreError) throw new UsageError(`${source}: ${error.message}`);
    throw error;
  }
}
