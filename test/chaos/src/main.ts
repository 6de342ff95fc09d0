/**
 * `npm run chaos -- registers [--runs 50] [--seconds 30] [--seed 1] [--nodes 3|5] [--consensus raft|multipaxos]`
 * `npm run chaos -- failover [--rounds 20] [--nodes 3|5] [--consensus raft|multipaxos]`
 *
 * Without --nodes and --consensus runs take turns among all four kinds. Each run is a line of JSON in the results file
 * (--results FILE); runs that are in it already are not done again, so that a long campaign can go on where it ended.
 */

import { parseArgs } from "node:util";
import { runCampaign } from "./runs/campaign.ts";
import { readCommand, usage } from "./runs/command.ts";
import { runFailovers } from "./runs/failovers.ts";

const command = readCommand(() =>
  parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "50" },
      rounds: { type: "string", default: "20" },
      seconds: { type: "string", default: "30" },
      seed: { type: "string", default: "1" },
      nodes: { type: "string" },
      consensus: { type: "string" },
      results: { type: "string" },
      help: { type: "boolean", default: false },
    },
  }),
);
if (command === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else if (command.kind === "help") console.log(usage);
else
  process.exitCode = command.kind === "registers" ? await runCampaign(command) : await runFailovers(command);
