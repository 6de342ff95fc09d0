/**
 * `npm run profile -- PUT|GET|cluster-PUT|cluster-GET|raft|multipaxos [--functions]`: where the time goes, for each request or each
 * commit, by package or by function.
 */

import { profileClusterRequests } from "./cluster-requests.ts";
import { profileCommits } from "./commits.ts";
import { profileRequests } from "./requests.ts";

const subjects: Readonly<Record<string, () => Promise<void>>> = {
  PUT: () => profileRequests("PUT"),
  GET: () => profileRequests("GET"),
  "cluster-PUT": () => profileClusterRequests("PUT"),
  "cluster-GET": () => profileClusterRequests("GET"),
  raft: () => profileCommits("raft"),
  multipaxos: () => profileCommits("multipaxos"),
};
const run = subjects[process.argv[2] ?? ""];
if (run === undefined) {
  console.error(`usage: npm run profile -- ${Object.keys(subjects).join("|")} [--functions]`);
  process.exitCode = 2;
} else await run();
