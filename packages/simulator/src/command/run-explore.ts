/** Every order of a small group's events within a stated bound (explore/explore-orders.ts). */

import type { Envelope } from "@holdfast/consensus";
import { exploreOrders } from "../explore/explore-orders.ts";
import type { Budget } from "../explore/small-group.ts";
import type { Protocol } from "../group/protocol.ts";
import { multiPaxos, raft } from "../group/protocol.ts";
import type { ExploreCommand } from "./options.ts";
import { say } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

interface Campaign {
  readonly budget: Budget;
  readonly deviations: number;
}

const quickCampaign: Campaign = {
  budget: { timeouts: 3, proposals: 2, crashes: 1, duplicates: 1 },
  deviations: 2,
};
/** Deeper, with less in it: about ten times as many states. */
const deepCampaign: Campaign = {
  budget: { timeouts: 2, proposals: 2, crashes: 1, duplicates: 0 },
  deviations: 3,
};
/** What a Map can hold. */
const statesMax = 16_000_000;

/** The exit code. */
export function runExplore({ consensus, quick, deviations }: ExploreCommand): number {
  const campaigns = quick ? [quickCampaign] : [quickCampaign, deepCampaign];
  const chosen = campaigns.map((campaign) => ({
    ...campaign,
    deviations: deviations ?? campaign.deviations,
  }));
  const names: readonly string[] = consensus === undefined ? [raft.name, multiPaxos.name] : [consensus];
  const areClean = names.flatMap((name) => chosen.map((campaign) => isCleanFor(name, campaign)));
  return areClean.every((clean) => clean) ? 0 : 1;
}

function isCleanFor(name: string, campaign: Campaign): boolean {
  switch (name) {
    case raft.name:
      return isClean(raft, campaign);
    case multiPaxos.name:
      return isClean(multiPaxos, campaign);
    default:
      throw new UsageError(`--consensus is ${raft.name} or ${multiPaxos.name}, not ${name}`);
  }
}

function isClean<Message extends Envelope>(
  protocol: Protocol<Message>,
  { budget, deviations }: Campaign,
): boolean {
  const startedUs = process.cpuUsage().user;
  say(
    `${protocol.name}, 3 replicas: ${budget.proposals} proposals, ${budget.crashes} crash with any number of its writes in flight kept, ` +
      `${budget.timeouts} election timeouts, ${budget.duplicates} message twice; any loss, and anything out of order, ` +
      `wherever it may happen; at most ${deviations} departures from the usual order on a way`,
  );
  const explored = exploreOrders({ protocol, budget, deviations, statesMax });
  const { statesCount, waysCount, lengthMax, committedMax, isComplete, failure } = explored;
  say(
    `${statesCount} states on ${waysCount} ways of up to ${lengthMax} actions, up to ${committedMax} entries committed, ` +
      `${isComplete ? "complete within the bound" : `not complete: ended at ${statesMax} states or a failure`}, ` +
      `${((process.cpuUsage().user - startedUs) / 1e6).toFixed(1)} s of CPU time`,
  );
  for (const line of failure?.way ?? []) say(`  ${line}`);
  if (failure !== undefined) say(`FAILED: ${failure.message}`);
  return isComplete;
}
