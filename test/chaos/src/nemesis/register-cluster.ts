/** Real processes of the register service, with a proxy on every way from one to another. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { present } from "@holdfast/base";
import {
  ClusterAuthority,
  createAuthority,
  realClock,
  requestCertificate,
  saveCredentials,
  secureRandom,
} from "@holdfast/host";
import { clusterId, nodeIdOf } from "../service/node-ids.ts";
import type { ServiceOptions } from "../service/options.ts";
import { RegisterConnection } from "../wire/register-connection.ts";
import { Child } from "./child.ts";
import { freePorts } from "./free-ports.ts";
import type { Way } from "./links.ts";
import { Links } from "./links.ts";

export interface ClusterOptions {
  readonly size: number;
  readonly consensus: "raft" | "multipaxos";
  /** False: nodes reach each other directly, and nothing can be cut. */
  readonly proxies?: boolean;
  /** False: nodes speak to each other without TLS. */
  readonly secure?: boolean;
  /** True: Node's inspector listens in each process. */
  readonly inspected?: boolean;
}

export class RegisterCluster {
  readonly folder: string;
  readonly ports: readonly number[];
  /** Of the processes' inspectors; none unless they were asked for. */
  readonly inspectPorts: readonly number[];
  readonly #options: readonly ServiceOptions[];
  readonly #children: (Child | undefined)[];
  readonly #links: Links | undefined;

  private constructor(
    folder: string,
    options: readonly ServiceOptions[],
    links: Links | undefined,
    inspectPorts: readonly number[],
  ) {
    this.folder = folder;
    this.inspectPorts = inspectPorts;
    this.ports = options.map(({ clientPort }) => clientPort);
    this.#options = options;
    this.#links = links;
    this.#children = options.map(() => undefined);
  }

  static async open({
    size,
    consensus,
    proxies: isProxied = true,
    secure = true,
    inspected = false,
  }: ClusterOptions): Promise<RegisterCluster> {
    const folder = await mkdtemp(join(tmpdir(), "holdfast-registers-"));
    const ports = await freePorts(2 * size);
    const nodes = Array.from({ length: size }, (_, i) => i);
    const nodePorts = nodes.map((i) => present(ports[2 * i], "port"));
    const links = isProxied ? await Links.open(nodePorts) : undefined;
    const folders = nodes.map((node) => join(folder, `node-${node}`));
    const credentials = secure ? await issueCredentials(folders) : [];
    const options = nodes.map((node) => ({
      node,
      size,
      consensus,
      folder: present(folders[node], "folder"),
      folders,
      credentials: credentials[node],
      clientPort: present(ports[2 * node + 1], "port"),
      nodePort: present(nodePorts[node], "port"),
      peerPorts: nodes.map((to) =>
        links === undefined || to === node ? present(nodePorts[to], "port") : links.port(node, to),
      ),
    }));
    const inspectPorts = inspected ? await freePorts(size) : [];
    const cluster = new RegisterCluster(folder, options, links, inspectPorts);
    const started = await Promise.allSettled(nodes.map((node) => cluster.start(node)));
    const failed = started.find((each) => each.status === "rejected");
    if (failed === undefined) return cluster;
    await cluster.close(true);
    throw failed.reason;
  }

  get size(): number {
    return this.#options.length;
  }

  async start(node: number): Promise<void> {
    this.#children[node] = await Child.start(this.#options[node], this.inspectPorts[node]);
  }

  async kill(node: number): Promise<void> {
    await this.#children[node]?.kill();
  }

  pause(node: number): void {
    this.#children[node]?.pause();
  }

  resume(node: number): void {
    this.#children[node]?.resume();
  }

  /** The node that a running one takes for the leader. */
  async leader(): Promise<number | undefined> {
    for (const [node, port] of this.ports.entries()) {
      if (this.#children[node]?.isRunning !== true) continue;
      const connection = await RegisterConnection.open(port);
      const answer = await connection?.ask({ kind: "Leader" }, 1000);
      connection?.close();
      if (answer?.kind === "NotLeader" && answer.leader !== undefined) return answer.leader;
    }
    return undefined;
  }

  cut(concerned: Way): void {
    this.#links?.cut(concerned);
  }

  /** Nothing passes on these ways, and the connections do not end. */
  stall(concerned: Way): void {
    this.#links?.stall(concerned);
  }

  heal(): void {
    this.#links?.heal();
  }

  /** The folder is kept when something is to be looked at. */
  async close(keepsFolder: boolean): Promise<void> {
    for (const child of this.#children) {
      child?.resume();
      await child?.kill();
    }
    this.#links?.close();
    if (!keepsFolder) await rm(this.folder, { recursive: true, force: true });
  }
}

/** A cluster's authority for this run alone, and each node's files. */
async function issueCredentials(folders: readonly string[]): Promise<readonly string[]> {
  const context = { clock: realClock, random: secureRandom };
  const stored = await createAuthority(clusterId, context);
  const authority = await ClusterAuthority.open(stored, context);
  return Promise.all(
    folders.map(async (folder, node) => {
      await mkdir(folder, { recursive: true });
      const { request, key } = await requestCertificate(nodeIdOf(node));
      const certificate = await authority.sign(request, nodeIdOf(node));
      const path = join(folder, "credentials.pem");
      await saveCredentials(path, { certificate, key, authority: stored.certificate });
      return path;
    }),
  );
}
