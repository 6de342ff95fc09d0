/** Three etcd servers on this machine, as Debian packages them, and puts by two of its clients: its JSON gateway, and npm's etcd3. */

import type { ChildProcess } from "node:child_process";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { requireOfPeers } from "../peers/install-peers.ts";

const size = 3;
const startDeadlineMs = 30_000;

/** Undefined where it is not installed (Debian: etcd-server). */
export function etcdVersion(): string | undefined {
  const { status, stdout } = spawnSync("etcd", ["--version"], { encoding: "utf8" });
  return status === 0 ? /etcd Version: (\S+)/.exec(stdout)?.[1] : undefined;
}

export const etcdClients = ["JSON gateway", "npm etcd3 1.1.2"] as const;
export type EtcdClient = (typeof etcdClients)[number];

/** What is used of npm's etcd3, over gRPC on one connection. */
interface Etcd3 {
  put(key: string): { value(value: string): Promise<unknown> };
  close(): void;
}

export class EtcdCluster {
  readonly #folder: string;
  readonly #members: readonly ChildProcess[];
  readonly #clientPort: number;
  readonly #agent: Agent;
  readonly #etcd3: Etcd3;

  private constructor(
    folder: string,
    members: readonly ChildProcess[],
    clientPort: number,
    inflight: number,
  ) {
    this.#folder = folder;
    this.#members = members;
    this.#clientPort = clientPort;
    this.#agent = new Agent({ keepAlive: true, maxSockets: inflight });
    const library = requireOfPeers("etcd3")("etcd3") as { Etcd3: new (options: object) => Etcd3 };
    this.#etcd3 = new library.Etcd3({ hosts: `http://127.0.0.1:${clientPort}` });
  }

  /** `ports`: two for each member. */
  static async start(ports: readonly number[], inflight: number): Promise<EtcdCluster> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-etcd-"));
    const url = (port: number | undefined): string => `http://127.0.0.1:${port}`;
    const names = Array.from({ length: size }, (_, i) => `m${i}`);
    const initial = names.map((name, i) => `${name}=${url(ports[2 * i])}`).join(",");
    const members = names.map((name, i) => {
      const [peer, client] = [url(ports[2 * i]), url(ports[2 * i + 1])];
      const flags = {
        name,
        "data-dir": join(folder, name),
        "initial-cluster": initial,
        "initial-advertise-peer-urls": peer,
        "listen-peer-urls": peer,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "log-level": "error",
      };
      const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
      return spawn("etcd", args, { stdio: "ignore" });
    });
    const cluster = new EtcdCluster(folder, members, ports[1] ?? 0, inflight);
    const endsAt = performance.now() + startDeadlineMs;
    while (!(await cluster.put("JSON gateway", "a", "b").catch(() => false))) {
      if (performance.now() > endsAt) throw new Error("etcd does not come up");
      await delay(50);
    }
    return cluster;
  }

  /** True when it was done. */
  async put(client: EtcdClient, key: string, value: string): Promise<boolean> {
    if (client === "JSON gateway") return this.#putJson(key, value);
    await this.#etcd3.put(key).value(value);
    return true;
  }

  #putJson(key: string, value: string): Promise<boolean> {
    const body = JSON.stringify({
      key: Buffer.from(key).toString("base64"),
      value: Buffer.from(value).toString("base64"),
    });
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const options = { port: this.#clientPort, path: "/v3/kv/put", method: "POST", agent: this.#agent };
    request({ ...options, host: "127.0.0.1", headers: { "content-length": body.length } }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode === 200));
    })
      .on("error", reject)
      .end(body);
    return promise;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#etcd3.close();
    for (const member of this.#members) {
      const exited = once(member, "exit");
      member.kill("SIGKILL");
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
