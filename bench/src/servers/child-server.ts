/** Servers under load run in processes of their own, so that each has a core's worth of event loop to itself. */

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds, cpuSecondsByThread } from "./process-usage.ts";
import { accessKey, secretKey, startServerProcess } from "./server-process.ts";

export interface ChildServer {
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  /** CPU time used so far, of all threads. */
  cpuMicros(): Promise<number>;
  /** The same in seconds, by the threads' names. */
  cpuSecondsByThread(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export async function startHoldfast(): Promise<ChildServer> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const server = await start("holdfast-server.ts", [data]);
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  };
  return { ...server, stop };
}

/** The real `holdfast server`, which sets up its heap for bodies as a library must not. */
export async function startHoldfastServer(): Promise<ChildServer> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const server = await startServerProcess(data);
  const { port, pid } = server;
  const cpuMicros = (): Promise<number> => Promise.resolve(cpuSeconds(pid) * 1e6);
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  };
  return { port, accessKey, secretKey, cpuMicros, cpuSecondsByThread: () => cpuSecondsByThread(pid), stop };
}

/** A bare node:http server that answers PUT by reading and dropping the body, GET by `bodyBytes` bytes. */
export function startBareServer(bodyBytes: number, digest: "none" | "md5"): Promise<ChildServer> {
  return start("bare-server.ts", [String(bodyBytes), digest]);
}

async function start(file: string, args: readonly string[]): Promise<ChildServer> {
  const child = fork(new URL(file, import.meta.url), args, { execArgv: process.execArgv });
  const address = await ready(child);
  const stop = (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once("exit", () => resolve());
    child.disconnect();
    return promise;
  };
  const cpuMicros = (): Promise<number> => {
    const { promise, resolve } = Promise.withResolvers<number>();
    child.once("message", (message: { cpuMicros: number }) => resolve(message.cpuMicros));
    child.send("cpu");
    return promise;
  };
  const { pid } = child;
  if (pid === undefined) throw new Error("the server has no process");
  return { ...address, cpuMicros, cpuSecondsByThread: () => cpuSecondsByThread(pid), stop };
}

type Address = Pick<ChildServer, "port" | "accessKey" | "secretKey">;

function ready(child: ChildProcess): Promise<Address> {
  const { promise, resolve, reject } = Promise.withResolvers<Address>();
  child.once("message", (message: Address) => resolve(message));
  child.once("exit", (code) => reject(new Error(`server ended with ${code}`)));
  return promise;
}
