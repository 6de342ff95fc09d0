/**
 * `npm run chaos -- registers [--runs 50] [--seconds 30] [--seed 1] [--nodes 3|5] [--consensus raft|multipaxos]`
 * `npm run chaos -- failover [--rounds 20] [--nodes 3|5] [--consensus raft|multipaxos]`
 * `npm run chaos -- files [--runs 50] [--seconds 30] [--seed 1] [--nodes 3|5] [--consensus raft|multipaxos] [--faults kill,pause]`
 * `npm run chaos -- failover-files [--rounds 20] [--consensus raft|multipaxos]`
 *
 * Without --nodes and --consensus runs take turns among all kinds. Each run is a line of JSON in the results file
 * (--results FILE); runs that are in it already are not done again, so that a long campaign can go on where it ended.
 */

import { parseArgs } from "node:util";
import { runCampaign } from "./runs/campaign.ts";
import type { Command } from "./runs/command.ts";
import { readCommand, usage } from "./runs/command.ts";
import { runFailoverFiles } from "./runs/failover-files.ts";
import { runFailovers } from "./runs/failovers.ts";
import { runFilesCampaign } from "./runs/files-campaign.ts";

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
      faults: { type: "string" },
      help: { type: "boolean", default: false },
    },
  }),
);
if (command === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else process.exitCode = await run(command);

/** The exit code. */
async function run(asked: Command): Promise<number> {
  switch (asked.kind) {
    case "help":
      console.log(usage);
      return 0;
    case "registers":
      return runCampaign(asked);
    case "failover":
      return runFailovers(asked);
    case "files":
      return runFilesCampaign(asked);
    case "failover-files":
      return runFailoverFiles(asked);
  }
}
