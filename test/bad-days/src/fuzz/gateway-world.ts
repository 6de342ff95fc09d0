/**
 * A whole node on simulated ports under both gateways, without sockets: thousands of requests a second. It judges each:
 * an answer within the deadline, never a 500 or a 503 (nothing is wrong with this store), and nothing changed by a
 * request that was refused.
 */

import { seededRandom, signRequest, toHex, utf8 } from "@holdfast/base";
import { createHttpGateway } from "@holdfast/gateway-http";
import { createS3Gateway } from "@holdfast/gateway-s3";
import { nodeHashing, realClock } from "@holdfast/host";
import type { Files, HoldfastNode, ListedFile, UploadInfo } from "@holdfast/node";
import { noAttributes, startNode } from "@holdfast/node";
import type { Clock, HttpHandler, HttpRequest, HttpResponse, KeyValue } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { SimulatedDisk, SimulatedKeyValue } from "@holdfast/ports/simulated";
import { within } from "../store/within.ts";
import { FuzzFinding } from "./target.ts";

export const bucket = "fuzz-bucket";
export const kept = "kept.txt";
export const fuzzSecretKey = "fuzz-secret-key";
const keys = { accessKey: "fuzz", secretKey: fuzzSecretKey };
const deadlineMs = 20_000;
/** More than this is swept, so that looking at everything stays cheap. */
const namesMax = 10;
const unconditional = { ifMatch: undefined, ifNoneMatch: undefined };

/** The wall stands still, so that a seed makes the same signatures for ever. */
const clock: Clock = { ...realClock, wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5) };

export const sha256 = (data: Uint8Array): Uint8Array => nodeHashing.hash("sha256", data);

export interface FuzzRequest {
  readonly gateway: "s3" | "http";
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: readonly Uint8Array[];
  readonly payloadHash?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
}

interface Listed {
  readonly buckets: readonly string[];
  readonly files: readonly ListedFile[];
  readonly uploads: readonly UploadInfo[];
}

export class GatewayWorld {
  readonly #node: HoldfastNode;
  readonly #handlers: Readonly<Record<FuzzRequest["gateway"], HttpHandler>>;
  #stored = "";

  private constructor(node: HoldfastNode) {
    this.#node = node;
    const { files } = node;
    const access = {
      credentials: (key: string) =>
        Promise.resolve(key === keys.accessKey ? { account: "root", secretKey: keys.secretKey } : undefined),
    };
    const shared = { files, access, clock, hashing: nodeHashing, journal: silentJournal };
    this.#handlers = {
      s3: createS3Gateway(shared),
      http: createHttpGateway({
        ...shared,
        maintenance: node,
        cluster: node.cluster,
        status: () => node.status(),
        readiness: () => node.readiness(),
      }),
    };
  }

  static async open(): Promise<GatewayWorld> {
    const random = seededRandom(1);
    const disk = new SimulatedDisk({ random });
    const openKeyValue = (): Promise<KeyValue> => Promise.resolve(new SimulatedKeyValue({ random }).mount());
    const ports = { clock, disk: disk.mount(), openKeyValue, random, hashing: nodeHashing };
    const sizes = { shardCount: 2, segmentBytes: 1 << 20, reserveBytes: 0 };
    const world = new GatewayWorld(await startNode({ ...ports, journal: silentJournal }, sizes));
    await world.files.createBucket({ name: bucket, owner: "root" });
    await world.#storeKept();
    world.#stored = await world.#everything();
    return world;
  }

  handler(gateway: FuzzRequest["gateway"]): HttpHandler {
    return this.#handlers[gateway];
  }

  get files(): Files {
    return this.#node.files;
  }

  close(): Promise<void> {
    return this.#node.stop();
  }

  /** The headers with a right signature for whatever the request is. */
  sign(request: FuzzRequest): Readonly<Record<string, string>> {
    const whole = request.body.flatMap((piece) => [...piece]);
    const payloadHash = request.payloadHash ?? toHex(sha256(Uint8Array.from(whole)));
    const service = request.gateway === "s3" ? "s3" : "holdfast";
    const place = { region: "us-east-1", service, wallMs: clock.wallMs(), sha256, ...keys };
    const headers = { host: "127.0.0.1", ...request.headers };
    return { ...headers, ...signRequest({ ...request, headers, payloadHash, ...place }) };
  }

  /** Rejects with a FuzzFinding when the answer, or what it left behind, is wrong. */
  async ask(request: FuzzRequest, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const answer = await within(this.#handle(request, headers), deadlineMs, "an answer");
    await this.judge([answer.status], () => new TextDecoder().decode(answer.body));
    return answer;
  }

  /** Rejects with a FuzzFinding when these answers, of all the requests that came in, do not fit what is stored now. */
  async judge(statuses: readonly number[], text: () => string): Promise<void> {
    for (const status of statuses)
      if (status < 200 || status > 599 || status === 500 || status === 503)
        throw new FuzzFinding(`answered ${status}: ${text()}`);
    const now = await this.#everything();
    if (statuses.every((status) => status >= 300) && now !== this.#stored)
      throw new FuzzFinding(
        `refused with ${statuses.join(" ")}, and yet ${this.#stored} became ${now}: ${text()}`,
      );
    this.#stored = now;
  }

  /** Throws away what earlier requests stored, once it has become much. */
  async sweep(): Promise<void> {
    const { buckets, files, uploads } = await this.#list();
    if (buckets.length + files.length + uploads.length <= namesMax && files.some(({ key }) => key === kept))
      return;
    for (const { key } of files) await this.files.deleteFile({ bucket, key, condition: unconditional });
    for (const upload of uploads) await this.files.abortUpload(upload);
    for (const name of buckets) if (name !== bucket) await this.files.deleteBucket(name);
    if (!buckets.includes(bucket)) await this.files.createBucket({ name: bucket, owner: "root" });
    await this.#storeKept();
    this.#stored = await this.#everything();
  }

  async #handle(request: FuzzRequest, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const handler = this.#handlers[request.gateway];
    const { method, path, query } = request;
    const response = await handler({ method, path, query, headers, ...connectionOf(request.body) });
    return { status: response.status, body: await bytesOf(response) };
  }

  async #list(): Promise<Listed> {
    const buckets = (await this.files.listBuckets()).map(({ name }) => name);
    if (!buckets.includes(bucket)) return { buckets, files: [], uploads: [] };
    const page = { bucket, prefix: "", delimiter: "", limit: 1000 };
    const { files } = await this.files.listFiles({ ...page, after: "" });
    const { uploads } = await this.files.listUploads({ ...page, afterKey: "", afterUploadId: "" });
    return { buckets, files, uploads };
  }

  async #everything(): Promise<string> {
    const { buckets, files, uploads } = await this.#list();
    const seen = files.map(({ key, bytes, etag }) => [key, bytes, etag]);
    return JSON.stringify([buckets, seen, uploads.map(({ key, uploadId }) => [key, uploadId])]);
  }

  async #storeKept(): Promise<void> {
    const content = utf8("kept");
    const body = { chunks: streamOf([content]), bytes: content.length, expectedDigests: () => [] };
    const attributes = noAttributes;
    await this.files.storeFile({ bucket, key: kept, attributes, condition: unconditional, body });
  }
}

function connectionOf(
  body: readonly Uint8Array[],
): Pick<HttpRequest, "body" | "signal" | "throwIfAborted" | "remoteAddress" | "requestId"> {
  const signal = new AbortController().signal;
  const throwIfAborted = (): void => signal.throwIfAborted();
  return {
    body: streamOf(body),
    signal,
    throwIfAborted,
    remoteAddress: "127.0.0.1",
    requestId: "fuzz",
  };
}

async function* streamOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

async function bytesOf({ body }: HttpResponse): Promise<Uint8Array> {
  if (body === undefined) return new Uint8Array(0);
  if (body instanceof Uint8Array) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces);
}
