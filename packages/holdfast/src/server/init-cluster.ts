/** `holdfast cluster init`: founds a cluster in an empty data directory, and ends. `holdfast server` starts the node that is there then. */

import { readdir } from "node:fs/promises";
import { Failure, UsageError } from "../command-line/failure.ts";
import { openOutput } from "../command-line/output.ts";
import { writeConfigFile } from "./config-file.ts";
import { prepareDataDirectory } from "./data-directory.ts";
import { membershipOf } from "./membership.ts";
import type { ServerFlags } from "./run-server.ts";
import { loadServerConfig, withFreePorts } from "./run-server.ts";

export type InitFlags = Pick<
  ServerFlags,
  "data" | "s3" | "http" | "rpc" | "zone" | "weight" | "consensus" | "region" | "domain" | "json"
>;

export async function initCluster(flags: InitFlags): Promise<void> {
  if (flags.data === undefined) throw new UsageError("no data directory: give --data DIR");
  const output = openOutput(process, flags.json === true);
  // A token is for a node that joins: one in the environment is not meant.
  const membership = await membershipOf(flags, {});
  const config = await withFreePorts(await loadServerConfig({ ...flags, log: "warn" }, process.env));
  await prepareDataDirectory(config.data);
  await requireNoNode(config.data);
  const { startServer } = await import("./server.ts");
  const server = await startServer(config, { logFormat: "text", membership });
  try {
    const { clusterId, nodeId } = await server.node.status();
    await writeConfigFile({ ...config, log: "info" });
    const consensus = membership.consensus ?? "raft";
    const founded = { kind: "cluster", clusterId, nodeId, consensus, data: config.data };
    await output.result(
      founded,
      `cluster ${clusterId} founded, node ${nodeId} (${consensus}) in ${config.data}`,
    );
  } finally {
    await server.stop();
  }
  if (output.json) return;
  output.note(`Start it:           holdfast server --data ${config.data}`);
  output.note(
    config.rpc === undefined
      ? "It listens for no other nodes: give --rpc HOST:PORT then, where they reach it, if there are to be some."
      : "Let others join it:  holdfast cluster token",
  );
}

/** What is there must never be taken for what was just founded. */
async function requireNoNode(data: string): Promise<void> {
  if ((await readdir(data)).length === 0) return;
  throw new Failure(`${data} is not empty, and a cluster is founded in an empty directory`, {
    code: "DirectoryNotEmpty",
    next: `start the node that is there (holdfast server --data ${data}), or name another directory`,
  });
}
