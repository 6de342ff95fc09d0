/** Lives and deaths of one real node under load; after each death everything is examined. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { S3Client } from "@aws-sdk/client-s3";
import { seededRandom, uniform } from "@holdfast/base";
import type { Store } from "@holdfast/client";
import { connect } from "@holdfast/client";
import { nodeHashing } from "@holdfast/host";
import type { Worker } from "@holdfast/simulator";
import {
  Connection,
  createBucket,
  examine,
  mainBuckets,
  runClient,
  Session,
  writeFixtures,
} from "@holdfast/simulator";
import { sdkStoreClient } from "./sdk-store-client.ts";
import type { Ports } from "./server-process.ts";
import { freePorts, ServerProcess } from "./server-process.ts";

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

export interface CrashResult {
  readonly operations: number;
  readonly failure: string | undefined;
  readonly round: number;
  /** The last operations. */
  readonly tail: readonly string[];
  readonly data: string;
}

const keys = { accessKey: "holdfast", secretKey: "holdfast-dev-secret" };
const clientsCount = 6;
const tailMax = 80;
const loadMsMax = 1200;

export async function crashRounds({ rounds, seed, progress }: CrashOptions): Promise<CrashResult> {
  const random = seededRandom(seed);
  const data = await mkdtemp(join(tmpdir(), "holdfast-crash-"));
  const ports = await freePorts();
  const tail: string[] = [];
  let operations = 0;
  const session = new Session({
    random,
    hashing: nodeHashing,
    trace: (line) => {
      operations++;
      tail.push(line);
      if (tail.length > tailMax) tail.shift();
    },
    bodyBytesMax: 3_000_000,
    blockBytes: 1024 * 1024,
    readerGraceMs: 15 * 60_000,
    keysPerBucket: 8,
    manyPartsPerMille: 60,
  });
  let round = 0;
  try {
    for (; round < rounds; round++) {
      progress(`round ${round + 1} of ${rounds}`);
      await oneRound(session, data, ports, round === 0);
    }
    await lastLook(session, data, ports);
    await rm(data, { recursive: true, force: true });
    return { operations, failure: undefined, round, tail, data };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { operations, failure, round: round + 1, tail, data };
  }
}

/** Broken connections are what these rounds are about: the SDK need not warn of each. */
const silentLogger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

interface Clients {
  readonly s3: S3Client;
  readonly native: Store;
}

class Life {
  readonly server: ServerProcess;
  readonly connection: Connection;
  readonly native: Store;
  readonly #s3: S3Client;
  readonly #die: () => void;

  private constructor(server: ServerProcess, clients: Clients, connection: Connection, die: () => void) {
    this.server = server;
    this.#s3 = clients.s3;
    this.native = clients.native;
    this.connection = connection;
    this.#die = die;
  }

  static async start(session: Session, data: string, ports: Ports): Promise<Life> {
    const server = await ServerProcess.start(data, ports);
    const s3 = new S3Client({
      endpoint: `http://127.0.0.1:${ports.s3}`,
      region: "us-east-1",
      forcePathStyle: true,
      maxAttempts: 1,
      logger: silentLogger,
      credentials: { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey },
    });
    const native = await connect({ endpoint: `http://127.0.0.1:${ports.http}`, ...keys });
    const { promise: died, resolve } = Promise.withResolvers<void>();
    const connection = new Connection({
      session,
      store: sdkStoreClient(s3, native),
      pause: (ms) => new Promise((wake) => void setTimeout(wake, ms)),
      nowMs: () => performance.now(),
      died,
      tolerates: () => false,
    });
    return new Life(server, { s3, native }, connection, resolve);
  }

  async kill(): Promise<void> {
    // First: what is answered from here on counts as answered or as unknown, never as a failure of a living store.
    this.connection.end();
    await this.server.kill();
    this.#die();
    this.#s3.destroy();
  }

  async stop(): Promise<void> {
    this.connection.end();
    await this.server.stop();
    this.#die();
    this.#s3.destroy();
  }
}

async function oneRound(session: Session, data: string, ports: Ports, first: boolean): Promise<void> {
  const life = await Life.start(session, data, ports);
  try {
    const worker = (number: number): Worker => ({ session, connection: life.connection, number });
    if (first) {
      for (const bucket of mainBuckets) await createBucket(worker(0), bucket);
      await writeFixtures(worker(0));
    } else await examineAll(session, life);
    const clients = Array.from({ length: clientsCount }, (_, i) =>
      runClient(worker(i + 1), Number.POSITIVE_INFINITY),
    );
    const load = Promise.all(clients);
    load.catch(() => undefined); // Awaited below, after the kill.
    await Promise.race([load, life.connection.pause(20 + uniform(session.random, loadMsMax))]);
    session.trace("kill -9");
    await life.kill();
    await load;
  } catch (error) {
    await life.kill();
    throw error;
  }
}

async function lastLook(session: Session, data: string, ports: Ports): Promise<void> {
  const life = await Life.start(session, data, ports);
  try {
    await examineAll(session, life);
  } finally {
    await life.stop();
  }
}

/** What clients see, then what the node itself knows of its blocks and records: every byte is read. */
async function examineAll(session: Session, life: Life): Promise<void> {
  if (!(await examine({ session, connection: life.connection, number: 0 })))
    throw new Error("not everything could be examined");
  for await (const event of life.native.fsck({ deep: true })) {
    if (event.kind === "problem") throw new Error(`fsck: ${event.message} ${event.files.join(", ")}`);
    if (event.kind !== "summary") continue;
    session.trace(
      `fsck: ${event.files} files, ${event.blocks} blocks, ${event.unreferencedBytes} bytes stray`,
    );
  }
}
