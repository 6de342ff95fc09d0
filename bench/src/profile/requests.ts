/** Where the server's time goes for each request of the suite `small`. */

import type { ChildProcess } from "node:child_process";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLoad } from "../load/run-load.ts";
import type { ChildServer } from "../servers/child-server.ts";
import type { Profiled } from "../servers/profiled-server.ts";
import type { Owner } from "./self-time.ts";
import { printSelfTime } from "./self-time.ts";

const connections = 64;
const warmupRequests = 1000;
const requests = 1000;

type Address = Pick<ChildServer, "port" | "accessKey" | "secretKey">;

export async function profileRequests(method: "PUT" | "GET", by: Owner): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), "holdfast-profile-"));
  const server = fork(new URL("../servers/profiled-server.ts", import.meta.url), [data], {
    execArgv: process.execArgv,
  });
  try {
    const address = await answer<Address>(server);
    await load(address, "PUT", warmupRequests);
    await load(address, method, warmupRequests);
    await ask(server, "begin");
    await load(address, method, requests);
    print(method, await ask<Profiled>(server, "end"), by);
  } finally {
    server.disconnect();
    await once(server, "exit");
    await rm(data, { recursive: true, force: true });
  }
}

async function load(address: Address, method: "PUT" | "GET", requestsPerConnection: number): Promise<void> {
  const { port, accessKey, secretKey } = address;
  const bodyBytes = method === "PUT" ? 4096 : 0;
  const file = { bucket: "bench", keyPrefix: "k", keysPerConnection: 400 };
  const request = { method, ...file, bodyBytes, unsignedPayload: false, accessKey, secretKey };
  await runLoad({ ports: [port], connections, rounds: [{ requestsPerConnection, request }] });
}

function ask<T>(server: ChildProcess, message: "begin" | "end"): Promise<T> {
  const answered = answer<T>(server);
  server.send(message);
  return answered;
}

function answer<T>(server: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    server.once("message", (message: T) => resolve(message));
    server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
}

function print(method: string, { profile, mainMicros, allMicros }: Profiled, by: Owner): void {
  const each = (micros: number): string => (micros / connections / requests).toFixed(1);
  console.log(`${method} 4 KiB: ${each(mainMicros)} us of CPU on the main thread, ${each(allMicros)} in all`);
  printSelfTime(profile, connections * requests, by);
}
