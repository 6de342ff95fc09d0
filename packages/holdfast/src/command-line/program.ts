/** The tree of commands: names, flags, help. What a command does is loaded when it runs. */

import { Command } from "commander";
import type { CatFlags } from "../commands/cat.ts";
import type { SetFlags } from "../commands/cluster-nodes.ts";
import type { TokenFlags } from "../commands/cluster-token.ts";
import type { CpFlags } from "../commands/cp.ts";
import type { DuFlags } from "../commands/du.ts";
import type { FsckFlags } from "../commands/fsck.ts";
import type { LsFlags } from "../commands/ls.ts";
import type { MbFlags } from "../commands/mb.ts";
import type { RingFlags, RingPlanFlags } from "../commands/ring.ts";
import type { RmFlags } from "../commands/rm.ts";
import type { ScrubFlags } from "../commands/scrub.ts";
import type { SyncFlags } from "../commands/sync.ts";
import type { NamePattern } from "../transfer/name-filter.ts";
import type { Session, SessionFlags } from "./session.ts";
import { openStoreSession } from "./session.ts";
import { packageVersion } from "./version.ts";

export function createProgram(): Command {
  const program = new Command("holdfast")
    .description("Holdfast: a distributed file store")
    .version(packageVersion(), "--version", "print the version")
    .helpOption("--help", "show help")
    .exitOverride()
    .showHelpAfterError("(--help shows the command's usage)")
    .addHelpText("after", generalHelp);
  addNodeCommands(program);
  addBucketCommands(program);
  addTransferCommands(program);
  addSyncCommand(program);
  addFileCommands(program);
  addClusterCommands(program);
  addRingCommands(program);
  addMaintenanceCommands(program);
  return program;
}

const generalHelp = `
Files in the store are named hf://bucket/key.

Environment:
  HOLDFAST_ENDPOINT      HTTP address of any node; several, separated by commas
                         (default http://127.0.0.1:9001)
  HOLDFAST_ACCESS_KEY, HOLDFAST_SECRET_KEY
                         the keys; without them AWS_ACCESS_KEY_ID and
                         AWS_SECRET_ACCESS_KEY, without those the development keys

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  holdfast dev                             start a store on this machine
  holdfast mb hf://photos                  make a bucket
  holdfast cp -r ./holiday hf://photos/    copy a folder into it
  holdfast ls hf://photos/ --long          see what is there`;

/** Adds --json and --endpoint, and runs the action with a connection that is closed at the end. */
function storeAction<Flags extends object>(
  command: Command,
  run: (session: Session, names: readonly string[], flags: Flags) => Promise<void>,
): void {
  command
    .option("--json", "print results as JSON lines, errors as JSON on standard error")
    .option("--endpoint <url>", "HTTP address of a node; several, separated by commas")
    .action(async (...given: unknown[]) => {
      const flags = command.opts<Flags>();
      // An optional argument that was left out is undefined.
      const names = given
        .slice(0, -2)
        .flat()
        .filter((name) => typeof name === "string");
      const session = openStoreSession(command.opts<SessionFlags>());
      try {
        await run(session, names, flags);
      } catch (error) {
        throw session.explained(error);
      } finally {
        await session.close();
      }
    });
}

function subcommand(parent: Command, usage: string, summary: string, examples: readonly string[]): Command {
  const text = examples.map((example) => `  ${example}`).join("\n");
  return parent.command(usage).description(summary).addHelpText("after", `\nExamples:\n${text}`);
}

function addNodeCommands(program: Command): void {
  subcommand(program, "dev", "start Holdfast for development on this machine, until a signal", [
    "holdfast dev",
    "holdfast dev --ephemeral --base-port 9100",
    "holdfast dev --data /tmp/store --respawn",
  ])
    .option("--nodes <count>", "number of nodes of a new cluster (default 3)")
    .option("--data <dir>", "where the data are (default .holdfast)")
    .option(
      "--base-port <port>",
      "node i: S3 on this port + 10i, HTTP and other nodes on the next two (default 9000; 0 takes free ports)",
    )
    .option("--consensus <protocol>", "raft or multipaxos, for a new cluster (default raft)")
    .option("--ephemeral", "keep the data in a temporary folder and remove it at the end")
    .option("--respawn", "start a node again that ended")
    .option("--json", "print the ready line and errors as JSON")
    .action(async (flags: object) => (await import("../dev/run-dev.ts")).runDev(flags));
  subcommand(program, "server", "run one node until a signal", [
    "holdfast server --config .holdfast/node-0/config.yaml",
    "holdfast server --data /var/lib/holdfast --s3 127.0.0.1:9000 --http 127.0.0.1:9001",
    'holdfast server --data /var/lib/holdfast --rpc 10.0.0.2:9002 --zone rack-2 --join "$TOKEN"',
    'HOLDFAST_JOIN_TOKEN="$TOKEN" holdfast server --data /var/lib/holdfast --rpc 10.0.0.2:9002',
  ])
    .option("--config <file>", "the node's config file; flags override it")
    .option("--data <dir>", "data directory; its config.yaml is read if there is one, and written")
    .option(...s3Option)
    .option(...httpOption)
    .option(...rpcOption)
    .option(...zoneOption)
    .option(...weightOption)
    .option(
      "--join <token>",
      "what `holdfast cluster token` printed, for a new node; better in HOLDFAST_JOIN_TOKEN, where the list of processes does not show it",
    )
    .option(
      "--rejoin <token>",
      "the same, for a node whose log is lost for good: what is left of its log goes, its files' blocks stay; or in HOLDFAST_REJOIN_TOKEN",
    )
    .option("--consensus <protocol>", "raft or multipaxos, for a new cluster (default raft)")
    .option("--region <name>", "S3 region (default us-east-1)")
    .option("--domain <name...>", "host names for virtual-host style S3 requests")
    .option("--log <level>", "debug, info, warn, error or silent (default info); lines go to standard error")
    .option("--access-log", "a line for every request, not only for failures")
    .option("--log-format <format>", "json for programs (the default), text for a person")
    .option("--ephemeral", "remove the data directory at the end")
    .option("--json", "print the ready line and errors as JSON")
    .action(async (flags: object) => (await import("../server/run-server.ts")).runServer(flags));
}

const s3Option = ["--s3 <host:port>", "where S3 is served (default 127.0.0.1:9000)"] as const;
const httpOption = ["--http <host:port>", "where the HTTP API is served (default 127.0.0.1:9001)"] as const;
const rpcOption = [
  "--rpc <host:port>",
  "where other nodes reach this one; without it the node is alone",
] as const;
const zoneOption = ["--zone <name>", "what the node shares with its neighbours: a rack, a room"] as const;
const weightOption = [
  "--weight <number>",
  "how much of the data it takes next to others, 1 to 1000",
] as const;

function addBucketCommands(program: Command): void {
  const mb = subcommand(program, "mb <bucket>", "make a bucket", [
    "holdfast mb hf://photos",
    "holdfast mb hf://photos --block-size 4MiB",
  ])
    .option("--redundancy <kind>", "replicas:N or erasure:K+M")
    .option("--block-size <size>", "size of a block, for example 1MiB");
  storeAction<MbFlags>(mb, async (session, names, flags) =>
    (await import("../commands/mb.ts")).mb(session, names, flags),
  );
  const rb = subcommand(program, "rb <bucket>", "remove an empty bucket", ["holdfast rb hf://photos"]);
  storeAction(rb, async (session, names) => (await import("../commands/rb.ts")).rb(session, names));
}

function addTransferCommands(program: Command): void {
  const cp = subcommand(
    program,
    "cp <names...>",
    "copy files into, out of and within the store; the last name is the target",
    [
      "holdfast cp cat.jpg hf://photos/",
      "holdfast cp hf://photos/cat.jpg .",
      "holdfast cp -r ./holiday hf://photos/holiday/     # what is in ./holiday, below holiday/",
      "holdfast cp -r hf://photos/holiday/ ./holiday",
      "tar c . | holdfast cp - hf://backups/home.tar",
    ],
  );
  addTransferFlags(cp);
  storeAction<CpFlags>(cp, async (session, names, flags) =>
    (await import("../commands/cp.ts")).cp(session, names, flags),
  );
  const mv = subcommand(program, "mv <names...>", "copy files, then remove each source that was copied", [
    "holdfast mv hf://photos/cat.jpg hf://photos/pets/cat.jpg",
    "holdfast mv -r ./holiday hf://photos/holiday/",
  ]);
  addTransferFlags(mv);
  storeAction<CpFlags>(mv, async (session, names, flags) =>
    (await import("../commands/cp.ts")).mv(session, names, flags),
  );
}

function addTransferFlags(command: Command): void {
  command
    .option("-r, --recursive", "folders, with all that is in them")
    .option("--if-none-match", "only where there is no file yet; others fail");
  addCopyFlags(command);
}

function addCopyFlags(command: Command): void {
  command
    .option("--parallel <count>", "files on their way at once (default 16; of large ones an eighth)")
    .option("--follow-symlinks", "take what symbolic links point to, instead of skipping them")
    .option("--no-resume", "start large files over that an earlier run left unfinished")
    .option("--dry-run", "print what would be done, and do nothing")
    .option("-v, --verbose", "print every file");
  addFilterFlags(command);
}

/** The last pattern that fits decides, so their order is kept across both flags. */
function addFilterFlags(command: Command): void {
  const patterns: NamePattern[] = [];
  const add = (kind: NamePattern["kind"]) => (pattern: string) => {
    patterns.push({ kind, pattern });
    command.setOptionValue("patterns", patterns);
    return pattern;
  };
  command
    .option(
      "--exclude <pattern>",
      "leave out names that fit; quote it, * stands for anything",
      add("exclude"),
    )
    .option(
      "--include <pattern>",
      "take names that fit after all; the last flag that fits decides",
      add("include"),
    );
}

function addSyncCommand(program: Command): void {
  const sync = subcommand(
    program,
    "sync <source> <target>",
    "make a target what its source is: copy what differs",
    [
      "holdfast sync ./holiday hf://photos/holiday/",
      "holdfast sync hf://photos/holiday/ ./holiday --delete",
      "holdfast sync ./site hf://www --delete --exclude '*.tmp' --dry-run",
      "holdfast sync hf://photos hf://backup/photos/",
    ],
  )
    .option("--delete", "remove what the source lacks, once everything was listed and copied")
    .option("--checksum", "compare contents, not sizes and times");
  addCopyFlags(sync);
  storeAction<SyncFlags>(sync, async (session, names, flags) =>
    (await import("../commands/sync.ts")).sync(session, names, flags),
  );
}

function addFileCommands(program: Command): void {
  const ls = subcommand(program, "ls [name]", "list buckets, or files whose names begin so", [
    "holdfast ls",
    "holdfast ls hf://photos/holiday/ -l -h",
    "holdfast ls -r hf://photos --json",
  ])
    .option("-l, --long", "size and time of each file")
    .option("-h, --human", "sizes in KiB, MiB, GiB")
    .option("-r, --recursive", "all files below, with their full keys");
  storeAction<LsFlags>(ls, async (session, names, flags) =>
    (await import("../commands/ls.ts")).ls(session, names, flags),
  );
  const cat = subcommand(program, "cat <names...>", "write files to standard output, one behind the other", [
    "holdfast cat hf://logs/today.txt | less",
    "holdfast cat hf://logs/today.txt --range -1000",
  ]).option("--range <bytes>", "0-99 (both included), 100- (from there on) or -100 (the last ones)");
  storeAction<CatFlags>(cat, async (session, names, flags) =>
    (await import("../commands/cat.ts")).cat(session, names, flags),
  );
  const rm = subcommand(program, "rm <names...>", "remove files", [
    "holdfast rm hf://photos/cat.jpg",
    "holdfast rm -r hf://photos/holiday/",
  ])
    .option("-r, --recursive", "everything below")
    .option("-f, --force", "be silent about files that are not there")
    .option("-v, --verbose", "print every file");
  addFilterFlags(rm);
  storeAction<RmFlags>(rm, async (session, names, flags) =>
    (await import("../commands/rm.ts")).rm(session, names, flags),
  );
  const stat = subcommand(program, "stat <names...>", "show what is known about files and buckets", [
    "holdfast stat hf://photos/cat.jpg",
  ]);
  storeAction(stat, async (session, names) => (await import("../commands/stat.ts")).stat(session, names));
  const du = subcommand(program, "du <names...>", "add up the files below", [
    "holdfast du -h hf://photos/holiday/",
    "holdfast du -h --depth 1 hf://photos",
  ])
    .option("-h, --human", "sizes in KiB, MiB, GiB")
    .option("-d, --depth <levels>", "a row also for folders down to so many levels (default 0)")
    .option("-c, --total", "one more row with the sum of all names");
  storeAction<DuFlags>(du, async (session, names, flags) =>
    (await import("../commands/du.ts")).du(session, names, flags),
  );
}

function addClusterCommands(program: Command): void {
  subcommand(program, "doctor", "explain what is wrong with a node, and what to do", [
    "holdfast doctor",
    "holdfast doctor --data .holdfast/node-0",
  ])
    .option("--data <dir>", "look at this data directory too, and at the node that serves it")
    .option("--json", "print findings and the summary as JSON lines")
    .option("--endpoint <url>", "HTTP address of a node; several, separated by commas")
    .action(async (flags: object) => (await import("../doctor/run-doctor.ts")).runDoctor(flags));
  const status = subcommand(program, "status", "show the state of the node that answers", [
    "holdfast status",
    "holdfast status --json --endpoint http://10.0.0.2:9001",
  ]);
  storeAction(status, async (session) => (await import("../commands/status.ts")).status(session));
  const cluster = program
    .command("cluster")
    .description("the cluster: its state, nodes that join, change and go")
    .addHelpText("after", clusterHelp);
  subcommand(cluster, "init", "found a cluster in an empty data directory, and end", [
    "holdfast cluster init --data /var/lib/holdfast --rpc 10.0.0.1:9002 --zone rack-1",
    "holdfast cluster init --data /var/lib/holdfast --consensus multipaxos",
  ])
    .option("--data <dir>", "the data directory of its first node; made if it is missing")
    .option(...s3Option)
    .option(...httpOption)
    .option(...rpcOption)
    .option(...zoneOption)
    .option(...weightOption)
    .option("--consensus <protocol>", "raft or multipaxos, for all of the cluster's time (default raft)")
    .option("--region <name>", "S3 region (default us-east-1)")
    .option("--domain <name...>", "host names for virtual-host style S3 requests")
    .option("--json", "print the result and errors as JSON")
    .action(async (flags: object) => (await import("../server/init-cluster.ts")).initCluster(flags));
  const all = subcommand(cluster, "status", "show nodes, shards and layout, and what is wrong with them", [
    "holdfast cluster status",
    "holdfast cluster status --json | jq .partitions",
  ]);
  storeAction(all, async (session) => (await import("../commands/cluster-status.ts")).clusterStatus(session));
  const token = subcommand(cluster, "token", "print a token by which one node may join, once", [
    "holdfast cluster token",
    "TOKEN=$(holdfast cluster token --lifetime 15m)",
  ]).option("--lifetime <duration>", "how long it is good, 1s to 7d (default 1h)");
  storeAction<TokenFlags>(token, async (session, names, flags) =>
    (await import("../commands/cluster-token.ts")).clusterToken(session, names, flags),
  );
  addClusterNodeCommands(cluster);
  const layout = cluster.command("layout").description("changes of the layout");
  const revert = subcommand(layout, "revert", "take back the change under way: data stay where they were", [
    "holdfast cluster layout revert",
  ]);
  storeAction(revert, async (session) =>
    (await import("../commands/cluster-layout.ts")).revertLayout(session),
  );
}

const clusterHelp = `
A cluster is founded by "cluster init", or by the first start of its first node (holdfast server,
holdfast dev); all others join it by a token. Nodes are named by their ids, or by how an id begins.

Examples:
  holdfast cluster init --data DIR         found a cluster, without starting its node
  holdfast cluster status                  see nodes, shards, and what is wrong
  holdfast cluster token                   let a node join
  holdfast cluster drain 0123              have a node give away what it holds
  holdfast cluster remove 0123             forget a node that holds nothing any more`;

function addClusterNodeCommands(cluster: Command): void {
  const drain = subcommand(
    cluster,
    "drain <node>",
    "have a node give away what it holds, so that it may go",
    ["holdfast cluster drain 0123456789abcdef", "holdfast cluster drain 0123"],
  );
  storeAction(drain, async (session, names) =>
    (await import("../commands/cluster-nodes.ts")).drainNode(session, names),
  );
  const undrain = subcommand(cluster, "undrain <node>", "have a draining node stay after all", [
    "holdfast cluster undrain 0123",
  ]);
  storeAction(undrain, async (session, names) =>
    (await import("../commands/cluster-nodes.ts")).undrainNode(session, names),
  );
  const set = subcommand(cluster, "set <node>", "change a node's zone or weight", [
    "holdfast cluster set 0123 --zone rack-2",
    "holdfast cluster set 0123 --weight 4",
  ])
    .option("--zone <name>", "what the node shares with its neighbours: a rack, a room")
    .option("--weight <number>", "how much of the data it takes next to others, 1 to 1000");
  storeAction<SetFlags>(set, async (session, names, flags) =>
    (await import("../commands/cluster-nodes.ts")).setNode(session, names, flags),
  );
  const remove = subcommand(cluster, "remove <node>", "forget a node that was drained and holds nothing", [
    "holdfast cluster remove 0123",
  ]);
  storeAction(remove, async (session, names) =>
    (await import("../commands/cluster-nodes.ts")).removeNode(session, names),
  );
}

function addRingCommands(program: Command): void {
  const ring = program.command("ring").description("which nodes hold how much of the data");
  const show = subcommand(ring, "show", "draw the layout: nodes, zones, balance", [
    "holdfast ring show",
    "holdfast ring show --json",
  ]).option("--ascii", "draw with ASCII alone");
  storeAction<RingFlags>(show, async (session, names, flags) =>
    (await import("../commands/ring.ts")).ringShow(session, names, flags),
  );
  const plan = subcommand(ring, "plan", "say what a change would move; changes nothing", [
    "holdfast ring plan --join rack-2 --join rack-3:2 --redundancy replicas:1 --redundancy replicas:3",
    "holdfast ring plan --leave 0123456789abcdef",
  ])
    .option("--join <zone[:weight]>", "a node that would join; may be given several times", repeated)
    .option("--leave <node>", "a node that would give away what it holds; several times", repeated)
    .option("--weight <node=weight>", "another weight for a node; several times", repeated)
    .option(
      "--redundancy <redundancy>",
      "replicas:N or erasure:K+M in use, several times (default: as now)",
      repeated,
    )
    .option("--ascii", "draw with ASCII alone");
  storeAction<RingPlanFlags>(plan, async (session, names, flags) =>
    (await import("../commands/ring.ts")).ringPlan(session, names, flags),
  );
}

function repeated(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}

function addMaintenanceCommands(program: Command): void {
  const fsck = subcommand(program, "fsck [name]", "check what a node stores against itself, reading only", [
    "holdfast fsck",
    "holdfast fsck --deep hf://photos/2026/",
  ]).option("--deep", "read every byte");
  storeAction<FsckFlags>(fsck, async (session, names, flags) =>
    (await import("../commands/fsck.ts")).fsck(session, names, flags),
  );
  const scrub = subcommand(program, "scrub", "read everything a node stores once more, in search of damage", [
    "holdfast scrub --wait",
  ]).option("--wait", "wait for the end and show what was found");
  storeAction<ScrubFlags>(scrub, async (session, names, flags) =>
    (await import("../commands/scrub.ts")).scrub(session, names, flags),
  );
}
