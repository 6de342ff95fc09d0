/**
 * How a node meets others: its secrets in the data directory, its listener for other nodes, the door by which new ones come in,
 * and the tokens that open it.
 */

import { createServer } from "node:net";
import { decode, encode, nodeId, StoreError, toHex } from "@holdfast/base";
import type {
  HostNetwork,
  JoinAnswer,
  JoinPurpose,
  JoinRequest,
  JoinToken,
  NodeSecrets,
  SecretsPlace,
} from "@holdfast/host";
import {
  askToJoin,
  CertificateError,
  ClusterAuthority,
  certificateFingerprint,
  createJoinToken,
  loadSecrets,
  newJoinSecret,
  nodeHashing,
  openNetwork,
  openSecrets,
  realClock,
  renewIfDue,
  secureRandom,
  storeSecrets,
  tokenDigest,
} from "@holdfast/host";
import type { Entrance, HoldfastNode, Identity, Rejoining } from "@holdfast/node";
import { clusterSeedCodec, newNodeCodec } from "@holdfast/node";
import type { Journal, Metrics, Network, Timer } from "@holdfast/ports";
import type { ListenAddress } from "./listen-address.ts";
import { listenAddressText } from "./listen-address.ts";

export interface NodeNetworkOptions {
  /** The data directory. */
  readonly data: string;
  readonly rpc: ListenAddress;
  readonly journal: Journal;
  readonly metrics: Metrics;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

const dayMs = 24 * 60 * 60_000;
/** As many as a token names at most. */
const addressesMax = 16;

/** The network of one node, and what only those can do who hold the authority's key. */
export class NodeNetwork {
  readonly #options: NodeNetworkOptions;
  #network: HostNetwork | undefined;
  #place: SecretsPlace | undefined;
  #secrets: NodeSecrets | undefined;
  #renewal: Timer | undefined;

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
  }

  /** `isAlone`: this node is all there is of its cluster, as far as it knows: then what is missing may be made. */
  async open({ clusterId, nodeId: id }: Identity, isAlone: boolean): Promise<Network> {
    const { rpc, journal, metrics } = this.#options;
    const place = this.#placeOf(clusterId, id);
    const secrets = isAlone ? await openSecrets(place) : await loadSecrets(place);
    if (secrets === undefined)
      throw new StoreError(
        "DataCorrupt",
        "The data directory has lost authority.pem and node.pem, by which the other nodes know this one. Put them back.",
      );
    const network = await openNetwork({
      self: place.node,
      clusterId,
      ...rpc,
      security: secrets.credentials,
      clock: realClock,
      random: secureRandom,
      hashing: nodeHashing,
      journal: journal.with({ part: "network" }),
      metrics,
    });
    this.#network = network;
    this.#place = place;
    this.#secrets = secrets;
    this.#renewLater();
    return network;
  }

  /** From now on nodes with a token are let in. */
  serveJoins(node: HoldfastNode): void {
    this.#network?.serveJoins((request) => this.#letIn(node, request));
  }

  /** For one node, within so many milliseconds. */
  async issueToken(node: HoldfastNode, lifetimeMs: number): Promise<IssuedToken> {
    const place = this.#place;
    const authority = this.#secrets?.authority;
    if (place === undefined || authority === undefined)
      throw new StoreError("Unavailable", "The node is still starting. Try again in a moment.");
    const secret = newJoinSecret();
    const expiresAtMs = realClock.wallMs() + lifetimeMs;
    await node.membership.issueToken(tokenDigest(secret), lifetimeMs);
    const nodes = await node.cluster.nodes();
    const own = nodes.filter(({ id }) => id === place.node);
    const addresses = [...own, ...nodes.filter(({ id }) => id !== place.node)]
      .map(({ addresses: { rpc } }) => rpc)
      .filter((rpc) => rpc !== "none")
      .slice(0, addressesMax);
    const { clusterId } = place;
    const token = { clusterId, secret, authority: certificateFingerprint(authority.certificate), addresses };
    return { token: createJoinToken(token), expiresAtMs };
  }

  /** How a new directory comes into the cluster of a token. */
  entrance(token: JoinToken): Entrance {
    return this.#entrance(token, "join");
  }

  /** How a directory that lost its log comes back into the cluster of a token. */
  rejoining(token: JoinToken): Rejoining {
    return { ...this.#entrance(token, "rejoin"), token: toHex(tokenDigest(token.secret)) };
  }

  #entrance(token: JoinToken, purpose: JoinPurpose): Entrance {
    return {
      clusterId: token.clusterId,
      enter: async (node) => {
        const about = encode(newNodeCodec, node);
        const joined = await askToJoin({ token, node: node.id, purpose, about, clock: realClock });
        await storeSecrets(this.#placeOf(token.clusterId, node.id), joined);
        return decode(clusterSeedCodec, joined.about);
      },
    };
  }

  /** The network itself is closed by the node. */
  stop(): void {
    this.#renewal?.cancel();
  }

  /** Signed before the token is used up: a request that cannot be signed must not cost it. */
  async #letIn(node: HoldfastNode, request: JoinRequest): Promise<JoinAnswer> {
    const authority = this.#secrets?.authority;
    if (authority === undefined) throw new StoreError("Unavailable", "The node is stopping.");
    const about = decode(newNodeCodec, request.about);
    if (about.id !== request.node)
      throw new StoreError("InvalidRequest", "The request is of one node, and speaks of another.");
    const certificate = await this.#sign(request);
    const token = tokenDigest(request.secret);
    const { membership } = node;
    const isBack = request.purpose === "rejoin";
    const seed = await (isBack ? membership.letBack(token, about) : membership.letIn(token, about));
    return { kind: "accepted", certificate, authority, about: encode(clusterSeedCodec, seed) };
  }

  async #sign({ certificateRequest, node }: JoinRequest): Promise<string> {
    const authority = this.#secrets?.authority;
    if (authority === undefined) throw new StoreError("Unavailable", "The node is stopping.");
    const context = { clock: realClock, random: secureRandom };
    try {
      return await (await ClusterAuthority.open(authority, context)).sign(certificateRequest, node);
    } catch (cause) {
      if (!(cause instanceof CertificateError)) throw cause;
      throw new StoreError("InvalidRequest", cause.message, { cause });
    }
  }

  #placeOf(clusterId: string, id: string): SecretsPlace {
    const { data: folder } = this.#options;
    return { folder, clusterId, node: nodeId(id), clock: realClock, random: secureRandom };
  }

  #renewLater(): void {
    this.#renewal = realClock.after(dayMs, () => {
      this.#renew()
        .catch((cause: unknown) => {
          this.#options.journal.warn("certificate not renewed", { cause: String(cause) });
        })
        .finally(() => this.#renewLater());
    });
  }

  async #renew(): Promise<void> {
    const [place, secrets] = [this.#place, this.#secrets];
    if (place === undefined || secrets === undefined) return;
    const credentials = await renewIfDue(place, secrets);
    if (credentials === undefined) return;
    this.#secrets = { ...secrets, credentials };
    this.#network?.setCredentials(credentials);
    this.#options.journal.info("certificate renewed", {});
  }
}

/** A configured port 0 becomes a free one: others have to be told it before it is listened on. */
export async function withPort(address: ListenAddress): Promise<ListenAddress> {
  if (address.port !== 0) return address;
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new StoreError("Unavailable", `No free port at ${listenAddressText(address)}.`, { cause }));
    });
    server.listen({ host: address.host, port: 0 }, () => {
      const bound = server.address();
      const port = bound !== null && typeof bound === "object" ? bound.port : 0;
      server.close(() => resolve({ ...address, port }));
    });
  });
}
