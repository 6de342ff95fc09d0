/** One node of a store in this process: started, killed, started again on what it left. */

import { nodeId } from "@holdfast/base";
import type { Entrance, NodeOptions } from "@holdfast/node";
import type { Network } from "@holdfast/ports";
import type { SimulatedNetwork, SimulatedSwitch } from "@holdfast/ports/simulated";
import type { ServerConfig } from "../server/config.ts";
import type { ListenAddress } from "../server/listen-address.ts";
import { urlOf } from "../server/listen-address.ts";
import { removeProcessId, writeProcessId } from "../server/process-id-file.ts";
import type { RunningServer } from "../server/server.ts";
import { startServer } from "../server/server.ts";

export class EmbeddedNode {
  readonly data: string;
  readonly #config: ServerConfig;
  readonly #between: SimulatedSwitch;
  readonly #options: NodeOptions;
  /** Where it listens, from its first start on: clients find it again there. */
  #addresses: { readonly s3: ListenAddress; readonly http: ListenAddress };
  #server: RunningServer | undefined;
  #network: SimulatedNetwork | undefined;

  constructor(config: ServerConfig, between: SimulatedSwitch, options: NodeOptions) {
    this.data = config.data;
    this.#config = config;
    this.#between = between;
    this.#options = options;
    this.#addresses = { s3: config.s3, http: config.http };
  }

  get isRunning(): boolean {
    return this.#server !== undefined;
  }

  /** Of a node that was started once. */
  get endpoint(): string {
    return urlOf(this.#addresses.http);
  }

  get s3Endpoint(): string {
    return urlOf(this.#addresses.s3);
  }

  /** Of a node that runs. */
  get server(): RunningServer {
    if (this.#server === undefined) throw new Error("the node does not run");
    return this.#server;
  }

  get network(): SimulatedNetwork | undefined {
    return this.#network;
  }

  async start(entrance?: Entrance): Promise<void> {
    const config = { ...this.#config, ...this.#addresses };
    const node = entrance === undefined ? this.#options : { ...this.#options, entrance };
    this.#server = await startServer(config, { node, openNetwork: ({ nodeId: id }) => this.#open(id) });
    this.#addresses = this.#server.addresses;
    await writeProcessId(this.data);
  }

  /** The others hear no word of it any more; what it was doing is lost, what it acknowledged is not. */
  async kill(): Promise<void> {
    this.#network?.kill();
    await this.stop();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await server.stop();
    await removeProcessId(this.data);
  }

  #open(id: string): Promise<Network> {
    this.#network = this.#between.open(nodeId(id));
    return Promise.resolve(this.#network);
  }
}
