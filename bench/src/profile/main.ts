/** `npm run profile -- PUT|GET|raft|multipaxos`: where the time goes, for each request or each commit. */

import { profileCommits } from "./commits.ts";
import { profileRequests } from "./requests.ts";

const [subject] = process.argv.slice(2);
if (subject === "PUT" || subject === "GET") await profileRequests(subject);
else if (subject === "raft" || subject === "multipaxos") await profileCommits(subject);
else {
  console.error("usage: npm run profile -- PUT|GET|raft|multipaxos");
  process.exitCode = 2;
}
