/**
 * Heads and framing as raw bytes over real sockets, through node's own parser: damaged heads, lengths that contradict
 * each other, several requests in a row, packets cut anywhere.
 */

import type { Random } from "@holdfast/base";
import { chance, toHex, uniform, utf8 } from "@holdfast/base";
import type { HttpListener } from "@holdfast/host";
import { listenHttp, realClock } from "@holdfast/host";
import { silentJournal } from "@holdfast/ports";
import { RawConnection } from "../store/raw-connection.ts";
import { bucket, GatewayWorld, kept, sha256 } from "./gateway-world.ts";
import { mutate, pick, split } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";
import { FuzzFinding } from "./target.ts";

const frames = ["length", "length", "chunked", "both", "two lengths", "none"] as const;
const oddLines = [
  "",
  "",
  "",
  "Content-Length: 0\r\n",
  "Content-Length: +4\r\n",
  "Content-Length: 99999999999999999999\r\n",
  "Transfer-Encoding: identity\r\n",
  "Transfer-Encoding: chunked, identity\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Transfer-Encoding:\x0bchunked\r\n",
  "X-A: b\r\n folded\r\n",
  "X-A: b\n",
  "X-A: b\rX-B: c\r\n",
  ": no name\r\n",
  "X A: b\r\n",
  "X-A: \0\r\n",
  "Host: other\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\nUpgrade: websocket\r\n",
  "Upgrade: h2c\r\n",
  "Expect: 100-continue\r\n",
  `X-Many: ${"m".repeat(40_000)}\r\n`,
  "X: y\r\n".repeat(3000),
];

export class HeadTarget implements FuzzTarget {
  readonly name = "head";
  readonly #world: GatewayWorld;
  readonly #listeners: readonly HttpListener[];

  private constructor(world: GatewayWorld, listeners: readonly HttpListener[]) {
    this.#world = world;
    this.#listeners = listeners;
  }

  static async open(): Promise<HeadTarget> {
    const world = await GatewayWorld.open();
    const shared = { host: "127.0.0.1", port: 0, journal: silentJournal, clock: realClock };
    const limits = { lingerMs: 200, idleTimeoutMs: 2000, headersTimeoutMs: 2000, keepAliveTimeoutMs: 2000 };
    const s3 = await listenHttp({ ...shared, limits, handler: world.handler("s3") });
    const http = await listenHttp({ ...shared, limits, handler: world.handler("http") });
    return new HeadTarget(world, [s3, http]);
  }

  async run(random: Random): Promise<void> {
    const port = pick(random, this.#listeners).port;
    const connection = await RawConnection.open(port);
    let sent = "";
    for (let left = 1 + uniform(random, 3); left > 0; left--) {
      const bytes = mutate(random, this.#request(random));
      sent += Buffer.from(bytes).toString("latin1");
      for (const piece of pieces(random, bytes)) await connection.send(piece);
    }
    connection.end();
    await connection.closed().catch((error: unknown) => {
      throw new FuzzFinding(`${String(error)}\nafter: ${excerpt(sent)}`);
    });
    await this.#world.judge(connection.statuses, () => `${connection.text}\nto: ${excerpt(sent)}`);
    await this.#world.sweep();
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) await listener.close();
    await this.#world.close();
  }

  /** Signed for what it says, so that what is behind the signature is reached too. */
  #request(random: Random): Uint8Array {
    const method = pick(random, [
      "GET",
      "PUT",
      "PUT",
      "POST",
      "HEAD",
      "DELETE",
      "BREW",
      "CONNECT",
      "OPTIONS",
    ]);
    const path = pick(random, [
      "/",
      `/${bucket}/${kept}`,
      `/${bucket}/head`,
      `/${bucket}`,
      "*",
      "http://a/b/c",
      "/%00",
    ]);
    const data = utf8("x".repeat(pick(random, [0, 4, 100_000])));
    const payloadHash = chance(random, 0.5) ? toHex(sha256(data)) : "UNSIGNED-PAYLOAD";
    const asked = { gateway: "s3", method, path, query: "", headers: {}, body: [], payloadHash } as const;
    const headers = Object.entries(this.#world.sign(asked)).map(([name, value]) => `${name}: ${value}\r\n`);
    const version = pick(random, [
      "HTTP/1.1",
      "HTTP/1.1",
      "HTTP/1.1",
      "HTTP/1.0",
      "HTTP/0.9",
      "HTTP/2.0",
      "",
    ]);
    const { head, body } = framed(random, data);
    return Buffer.concat([
      utf8(`${method} ${path} ${version}\r\n${headers.join("")}${pick(random, oddLines)}${head}\r\n`),
      body,
    ]);
  }
}

function framed(random: Random, data: Uint8Array): { readonly head: string; readonly body: Uint8Array } {
  const length = `Content-Length: ${data.length}\r\n`;
  const chunked = "Transfer-Encoding: chunked\r\n";
  const extension = pick(random, ["", "", ";a=b", `;${"e".repeat(20_000)}`, ';a="\r"', " "]);
  const ending = pick(random, ["\r\n", "\r\n", "X-Trailer: t\r\n\r\n", "Content-Length: 5\r\n\r\n", ""]);
  const inChunks = Buffer.concat([
    utf8(data.length === 0 ? "" : `${data.length.toString(16)}${extension}\r\n`),
    data,
    utf8(`${data.length === 0 ? "" : "\r\n"}0\r\n${ending}`),
  ]);
  switch (pick(random, frames)) {
    case "length":
      return { head: length, body: data };
    case "chunked":
      return { head: chunked, body: inChunks };
    case "both":
      return { head: length + chunked, body: inChunks };
    case "two lengths":
      return { head: `${length}Content-Length: ${data.length + 1}\r\n`, body: data };
    case "none":
      return { head: "", body: data };
  }
}

function pieces(random: Random, bytes: Uint8Array): readonly Uint8Array[] {
  return bytes.length > 10_000 || chance(random, 0.5) ? [bytes] : split(random, bytes);
}

function excerpt(sent: string): string {
  return JSON.stringify(sent.replaceAll(/(.)\1{99,}/g, (run) => `(${run[0]} x ${run.length})`));
}
