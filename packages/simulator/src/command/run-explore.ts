/** Every order of a small group's events within a stated bound (explore/explore-orders.ts). */

import { exploreOrders } from "../explore/explore-orders.ts";
import type { Budget } from "../explore/small-group.ts";
import { raft } from "../group/protocol.ts";
import type { ExploreCommand } from "./options.ts";
import { say } from "./terminal.ts";

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
export function runExplore({ quick, deviations }: ExploreCommand): number {
  const campaigns = quick ? [quickCampaign] : [quickCampaign, deepCampaign];
  const chosen = campaigns.map((campaign) => ({
    ...campaign,
    deviations: deviations ?? campaign.deviations,
  }));
  return chosen.every(isClean) ? 0 : 1;
}

function isClean({ budget, deviations }: Campaign): boolean {
  const startedUs = process.cpuUsage().user;
  say(
    `raft, 3 replicas: ${budget.proposals} proposals, ${budget.crashes} crash with any number of its writes in flight kept, ` +
      `${budget.timeouts} election timeouts, ${budget.duplicates} message twice; any loss, and anything out of order, ` +
      `wherever it may happen; at most ${deviations} departures from the usual order on a way`,
  );
  const explored = exploreOrders({ protocol: raft, budget, deviations, statesMax });
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
