/** The results of many seeds as a document that can be committed. */

import type { Tally } from "../run/tally.ts";
import { addTallies } from "../run/tally.ts";
import type { SliceResult } from "./progress-file.ts";

const explanations: Readonly<Record<string, string>> = {
  kill: "process killed; what it wrote stays in the page cache",
  "power-loss": "machine lost power; of what was not synced, chance decides",
  "lost-change": "unsynced sectors and lengths that a power loss took",
  "torn-file": "files of which a power loss kept some unsynced sectors and lost others",
  "lost-name": "unsynced creations, renames and removals of files that a power loss took",
  "lost-batch": "unflushed batches of the key-value stores that a power loss took",
  "failed-sync": "fsync or synced write failed; the pages are dropped, a later fsync succeeds",
  "failed-folder-sync": "sync of a folder failed",
  "failed-write": "write failed half done",
  "failed-flush": "flush of a key-value store failed",
  "full-disk": "write refused or cut for want of space",
  "lost-write": "write reported done that never happened",
  "misdirected-write": "write that landed elsewhere",
  rot: "bits that flipped in volumes, log, state or index; of a group: logs that lost their end (S10)",
  "slow disk": "rounds in which the disk was up to 30 times as slow",
  "clock jump": "wall clock set back or forth by up to an hour",
  "start cut short": "crash while the node started",
  "start that failed": "start refused because a sync failed during it",
  tick: "of the group's time, the fault-free end included",
  "committed entry": "first known to be committed, by any replica",
  "answered operation": "writes and linearizable reads that a client got an answer to",
  crash: "replica lost what it had in memory and some of the writes in flight",
  newLeader: "leader that crashed as soon as it was elected, and was back at once",
  election: "replica that crashed while somebody stood for election, and was back at once",
  pause: "replica stood still, then went on; what had arrived was there or lost",
  partition: "links cut: halves, one-way, a chain, the leader alone, at random",
  clog: "links on which messages come up to 80 ticks late",
  clockJump: "up to 40 ticks passed at once for a replica",
  slowDisk: "replica whose writes took up to 45 ticks longer",
  fullDisk: "replica that could write nothing for a while",
  failedSync: "replica that left for good because a sync failed (S11)",
  wipe: "replica that lost its disk and never came back (S11)",
  trigger: "campaign, flush or hand-over asked for at any moment",
  growth: "clusters that began with one node and grew to three while clients wrote",
  restart: "node stopped and started again",
  isolate: "node that heard nobody and that nobody heard",
  mute: "node that nobody heard",
  deafen: "node that heard nobody",
  "cut-pair": "two nodes that did not hear each other",
  "clog-pair": "path between two nodes that took nothing while both seemed alive",
  "break-connections": "connections of a node that broke again and again",
  "broken-connection": "connection for frames that ended, by whatever fault",
  "lost-frame": "frames that were on their way then",
  "slow-disk": "node whose disk was up to 32 times as slow",
  "clock-jump": "node whose wall clock was set back or forth by up to an hour",
  "quorum-lost": "all nodes but one dead",
  "all-lost": "all nodes without power at once",
  "lost-log": "node whose log was lost, and that came back with its volumes (S11)",
  "rot-in-state": "node in whose state store up to three bits flipped",
  "all-apart": "no two nodes heard each other",
  skew: "replica whose clock ran faster or slower",
};

export function summaryOf(results: readonly SliceResult[]): string {
  const [first] = results;
  if (first === undefined) throw new Error("the progress file has no results for these sources");
  const sum = (of: (result: SliceResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  const seeds = sum(({ seedsCount }) => seedsCount);
  const failures = results.flatMap((result) => result.failures);
  const happened = results.reduce<Tally>((total, result) => addTallies(total, result.happened), {});
  const commits = [...new Set(results.map(({ commit }) => commit))].join(", ");
  const lines = [
    "# Simulated seeds",
    "",
    "Written by `npm run sim -- --resume --summary FILE`; what a seed does: packages/simulator/README.md.",
    "",
    "| | |",
    "| --- | ---: |",
    `| commit | ${commits} |`,
    `| sources (git tree of packages/) | ${first.sources} |`,
    `| consensus | ${first.consensus} |`,
    `| seeds | ${number(seeds)} (${ranges(results)}) |`,
    `| failed seeds | ${failures.length} |`,
    `| events | ${number(sum(({ events }) => events))} |`,
    `| virtual time | ${number(sum(({ virtualMs }) => virtualMs) / 1000)} s |`,
    `| CPU time | ${number(sum(({ cpuMs }) => cpuMs) / 1000)} s |`,
    "",
    "What happened to them:",
    "",
    "| what | count | |",
    "| --- | ---: | --- |",
    ...Object.entries(happened)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, count]) => `| ${name} | ${number(count)} | ${explanations[name] ?? ""} |`),
    "",
  ];
  if (failures.length > 0) lines.push("Failures:", "");
  for (const { seed, message } of failures) lines.push(`* seed ${seed}: ${message.split("\n")[0] ?? ""}`);
  return `${lines.join("\n").trimEnd()}\n`;
}

function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** The seeds done, gaps shown. */
function ranges(results: readonly SliceResult[]): string {
  const texts: string[] = [];
  let from = 0;
  let to = -1;
  for (const { firstSeed, seedsCount } of results) {
    if (firstSeed !== to && to >= 0) texts.push(`${from} to ${to - 1}`);
    if (firstSeed !== to) from = firstSeed;
    to = firstSeed + seedsCount;
  }
  return [...texts, `${from} to ${to - 1}`].join(", ");
}
