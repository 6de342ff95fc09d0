/**
 * `npm run profile -- PUT|GET|cluster-PUT|cluster-GET|raft|multipaxos [--functions]`: where the time goes, for each request or each
 * commit, by package or by function.
 */

import { profileClusterRequests } from "./cluster-requests.ts";
import { profileCommits } from "./commits.ts";
import { profileRequests } from "./requests.ts";
import type { Owner } from "./self-time.ts";

const subjects: Readonly<Record<string, (by: Owner) => Promise<void>>> = {
  PUT: (by) => profileRequests("PUT", by),
  GET: (by) => profileRequests("GET", by),
  "cluster-PUT": (by) => profileClusterRequests("PUT", by),
  "cluster-GET": (by) => profileClusterRequests("GET", by),
  raft: (by) => profileCommits("raft", by),
  multipaxos: (by) => profileCommits("multipaxos", by),
};
const run = subjects[process.argv[2] ?? ""];
if (run === undefined) {
  console.error(`usage: npm run profile -- ${Object.keys(subjects).join("|")} [--functions]`);
  process.exitCode = 2;
} else await run(process.argv.includes("--functions") ? "function" : "package");
