/** What was asked for on the command line. */

export const usage = `usage: npm run chaos -- registers [--runs N] [--seconds S] [--seed FIRST] [--nodes 3|5] [--consensus raft|multipaxos] [--results FILE]
       npm run chaos -- failover  [--rounds N] [--nodes 3|5] [--consensus raft|multipaxos]
       npm run chaos -- files     [--runs N] [--seconds S] [--seed FIRST] [--nodes 3|5] [--consensus raft|multipaxos] [--faults NAME,...] [--results FILE]
       npm run chaos -- failover-files [--rounds N] [--consensus raft|multipaxos] [--results FILE]

registers  Runs of S seconds: real processes of a register service are killed, paused and cut off from each other while clients
           read and write. Each history has to be linearizable, and everybody has to be answered afterwards.
failover   The leader is killed N times: how long until a write is answered again.
files      The same with three real servers, or five, and files over the HTTP API; disks fill up and rot, and clocks go wrong besides.
           Of all faults, or of those that are named: ${storeFaults.join(", ")}.
failover-files  The server that leads the most shards is killed N times: how long until writes to them succeed again.

Without --nodes and --consensus all kinds take turns; of files, both protocols with three nodes. With --results FILE each run adds a line of JSON to the file, and runs
that are in it are not done again.`;

import type { StoreFault } from "../store/store-nemesis.ts";
import { storeFaults } from "../store/store-nemesis.ts";
import type { Consensus } from "./consensus.ts";
import type { FailoverFilesOptions } from "./failover-files.ts";
import type { FilesCampaignOptions } from "./files-campaign.ts";
import type { Kind } from "./kind.ts";

export type Command =
  | { readonly kind: "help" }
  | {
      readonly kind: "registers";
      readonly kinds: readonly Kind[];
      readonly runs: number;
      readonly seconds: number;
      readonly seed: number;
      readonly results: string | undefined;
    }
  | { readonly kind: "failover"; readonly kinds: readonly Kind[]; readonly rounds: number }
  | ({ readonly kind: "files" } & FilesCampaignOptions)
  | ({ readonly kind: "failover-files" } & FailoverFilesOptions);

interface Parsed {
  readonly positionals: readonly string[];
  readonly values: {
    readonly runs: string;
    readonly rounds: string;
    readonly seconds: string;
    readonly seed: string;
    readonly nodes?: string | undefined;
    readonly consensus?: string | undefined;
    readonly results?: string | undefined;
    readonly faults?: string | undefined;
    readonly help: boolean;
  };
}

/** Undefined for what cannot be understood. */
export function readCommand(parse: () => Parsed): Command | undefined {
  try {
    return commandOf(parse());
  } catch {
    return undefined;
  }
}

function commandOf({ positionals, values }: Parsed): Command | undefined {
  if (values.help) return { kind: "help" };
  const kinds = kindsOf(values.nodes, values.consensus);
  const [runs, rounds, seconds, seed] = [values.runs, values.rounds, values.seconds, values.seed].map(Number);
  if (kinds === undefined || !isCount(runs) || !isCount(rounds) || !isCount(seconds) || !isCount(seed))
    return undefined;
  const { results } = values;
  const [what] = positionals;
  const protocols = protocolsOf(values.consensus);
  const faults = faultsOf(values.faults);
  if (what === undefined || positionals.length > 1 || protocols === undefined || faults === undefined)
    return undefined;
  switch (what) {
    case "registers":
      return { kind: "registers", kinds, runs, seconds, seed, results };
    case "failover":
      return { kind: "failover", kinds, rounds };
    case "files":
      return {
        kind: "files",
        size: values.nodes === undefined ? 3 : Number(values.nodes),
        protocols,
        runs,
        seconds,
        seed,
        faults,
        results,
      };
    case "failover-files":
      return { kind: "failover-files", protocols, rounds, results };
    default:
      return undefined;
  }
}

/** All that there are unless some are named; undefined for a name that there is not. */
function faultsOf(names: string | undefined): readonly StoreFault[] | undefined {
  if (names === undefined) return storeFaults;
  const asked = names.split(",");
  const faults = storeFaults.filter((fault) => asked.includes(fault));
  return faults.length === asked.length ? faults : undefined;
}

function protocolsOf(consensus: string | undefined): readonly Consensus[] | undefined {
  if (consensus === undefined) return ["raft", "multipaxos"];
  return consensus === "raft" || consensus === "multipaxos" ? [consensus] : undefined;
}

function kindsOf(nodes: string | undefined, consensus: string | undefined): readonly Kind[] | undefined {
  const sizes = nodes === undefined ? [3, 5] : [Number(nodes)];
  if (sizes.some((size) => size !== 3 && size !== 5)) return undefined;
  const protocols = protocolsOf(consensus) ?? [];
  return sizes.flatMap((size) => protocols.map((each) => ({ size, consensus: each })));
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && (value ?? 0) > 0;
}
