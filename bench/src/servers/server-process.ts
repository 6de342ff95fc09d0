/** The real `holdfast server` in a process of its own, to be measured, killed and started again. */

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Store } from "@holdfast/client";
import { connect } from "@holdfast/client";

export const accessKey = "holdfast";
export const secretKey = "holdfast-dev-secret";
export const bucket = "bench";

export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process until it answered a request. */
  readonly startUpMs: number;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

interface Report {
  readonly kind: string;
  readonly s3: string;
  readonly http: string;
}

/** `inspectPort`: where Node's inspector listens in it. */
export async function startServerProcess(data: string, inspectPort?: number): Promise<ServerProcess> {
  const startedAt = performance.now();
  const { pid, port, httpUrl, kill, stop } = await startNode({ data, inspectPort });
  const store = await connect({ endpoint: httpUrl, accessKey, secretKey });
  await makeBucket(store);
  const startUpMs = performance.now() - startedAt;
  store.close();
  return { pid, port, startUpMs, kill, stop };
}

export interface NodeProcess extends Omit<ServerProcess, "startUpMs"> {
  /** Of Holdfast's own API. */
  readonly httpUrl: string;
}

export interface NodeProcessOptions {
  readonly data: string;
  readonly inspectPort?: number | undefined;
  /** It listens for other nodes, and comes into the cluster that the token is of; without one it founds its own. */
  readonly cluster?: { readonly joinToken: string | undefined };
}

/** As `startServerProcess`, without a bucket. */
export async function startNode({ data, inspectPort, cluster }: NodeProcessOptions): Promise<NodeProcess> {
  const cli = fileURLToPath(new URL("../../../packages/holdfast/src/cli.ts", import.meta.url));
  const flags = ["--data", data, "--s3", ":0", "--http", ":0", "--log", "error"];
  const rpc = cluster === undefined ? [] : ["--rpc", "127.0.0.1:0"];
  const keys = { HOLDFAST_ACCESS_KEY: accessKey, HOLDFAST_SECRET_KEY: secretKey };
  const child = fork(cli, ["server", ...flags, ...rpc], {
    env: { ...process.env, ...keys, HOLDFAST_JOIN_TOKEN: cluster?.joinToken ?? "" },
    execArgv: [...process.execArgv, ...inspecting(inspectPort)],
    // The inspector says on standard error that it is there.
    stdio: ["inherit", "inherit", inspectPort === undefined ? "inherit" : "ignore", "ipc"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const { s3, http } = await new Promise<Report>((resolve, reject) => {
    child.once("message", (report: Report) => {
      if (report.kind === "ready") resolve(report);
      else reject(new Error(`the server did not start: ${JSON.stringify(report)}`));
    });
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  const { pid } = child;
  if (pid === undefined) throw new Error("the server has no process");
  return {
    pid,
    port: Number(new URL(s3).port),
    httpUrl: http,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

function inspecting(port: number | undefined): readonly string[] {
  return port === undefined ? [] : [`--inspect=127.0.0.1:${port}`];
}

async function makeBucket(store: Store): Promise<void> {
  const known = await store.listBuckets();
  if (!known.some(({ name }) => name === bucket)) await store.createBucket(bucket);
}
