/**
 * One direction of an exchange as the body of an HTTP message: the length of the head (4 bytes, big-endian), the head, the body.
 * Where HTTP's own framing ends early, the message is broken.
 */

import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import { concatBytes } from "@holdfast/base";
import type { Exchange } from "@holdfast/ports";
import { BodyPump, BodyQueue, emptyBody, exchangeHeadBytesMax, NetworkError } from "@holdfast/ports";
import { plainView } from "../plain-view.ts";
import { countFreshBytes } from "../young-memory.ts";
import { readUint32 } from "./frame-format.ts";

/** Bytes of a body that are read ahead of its reader, beside what the sockets hold. */
const readAheadBytes = 256 * 1024;
const lengthBytes = 4;

export class IncomingExchange {
  readonly #message: IncomingMessage;
  readonly #body: BodyQueue;
  readonly #received = Promise.withResolvers<Exchange>();
  #head: Uint8Array[] | undefined = [];
  #headBytes = 0;

  constructor(message: IncomingMessage, onGivenUp: () => void) {
    this.#message = message;
    this.#body = new BodyQueue({
      onTaken: () => {
        if (this.#body.queuedBytes < readAheadBytes) message.resume();
      },
      onGivenUp: () => {
        message.pause();
        onGivenUp();
      },
    });
    this.#received.promise.catch(() => undefined);
    message.on("data", (chunk: Buffer) => this.#onData(plainView(chunk)));
    message.on("end", () => this.#onEnd());
    message.on("error", (cause) => this.fail(new NetworkError("broken", "the connection ended", { cause })));
    message.on("close", () => this.fail(new NetworkError("broken", "the connection ended")));
  }

  get received(): Promise<Exchange> {
    return this.#received.promise;
  }

  /** Nothing of it is read any more; without effect when all of it was. */
  fail(error: NetworkError): void {
    this.#received.reject(error);
    this.#body.fail(error);
  }

  #onData(chunk: Uint8Array): void {
    countFreshBytes(chunk.length);
    if (this.#head !== undefined) return this.#onHeadData(this.#head, chunk);
    this.#onBody(chunk);
  }

  #onBody(chunk: Uint8Array): void {
    this.#body.push(chunk);
    if (this.#body.queuedBytes >= readAheadBytes) this.#message.pause();
  }

  #onHeadData(chunks: Uint8Array[], chunk: Uint8Array): void {
    chunks.push(chunk);
    this.#headBytes += chunk.length;
    if (this.#headBytes < lengthBytes) return;
    // The first chunk nearly always has the length in it.
    if ((chunks[0]?.length ?? 0) < lengthBytes) chunks.splice(0, chunks.length, concatBytes(chunks));
    const length = readUint32(chunks[0] ?? chunk, 0);
    if (length > exchangeHeadBytesMax) {
      this.fail(new NetworkError("broken", `the other side sends a head of ${length} bytes`));
      this.#message.destroy();
      return;
    }
    if (this.#headBytes < lengthBytes + length) return;
    const bytes = concatBytes(chunks);
    this.#head = undefined;
    this.#received.resolve({ head: bytes.subarray(lengthBytes, lengthBytes + length), body: this.#body });
    this.#onBody(bytes.subarray(lengthBytes + length));
  }

  #onEnd(): void {
    if (this.#head === undefined) this.#body.end();
    else this.fail(new NetworkError("broken", "the other side's message has no whole head"));
  }
}

export class OutgoingExchange {
  readonly #stream: ClientRequest | ServerResponse;
  readonly #exchange: Exchange;
  #pump: BodyPump | undefined;
  #isStopped = false;

  constructor(stream: ClientRequest | ServerResponse, exchange: Exchange) {
    this.#stream = stream;
    this.#exchange = exchange;
  }

  /** Resolves when all was handed to the socket, or after `stop`; rejects when the body fails. */
  async run(): Promise<"ended" | "stopped"> {
    const { head, body } = this.#exchange;
    const prefix = prefixed(head);
    if (body === emptyBody) {
      this.#stream.end(prefix);
      return "ended";
    }
    this.#stream.write(prefix);
    this.#pump = new BodyPump(body, (chunk) => (this.#stream.write(chunk) ? undefined : this.#drained()));
    if (this.#isStopped) this.#pump.stop();
    const outcome = await this.#pump.run();
    if (outcome === "ended") this.#stream.end();
    return outcome;
  }

  /** The body is let go of; the stream is the caller's to end. */
  stop(): void {
    this.#isStopped = true;
    this.#pump?.stop();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.removeListener("drain", done);
        this.#stream.removeListener("close", done);
        resolve();
      };
      this.#stream.on("drain", done);
      this.#stream.on("close", done);
      if (this.#stream.destroyed) done();
    });
  }
}

/** Of the whole message, where it is known. */
export function messageBytes({ head, body, bodyBytes }: Exchange): number | undefined {
  const known = body === emptyBody ? 0 : bodyBytes;
  return known === undefined ? undefined : lengthBytes + head.length + known;
}

function prefixed(head: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(lengthBytes + head.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, lengthBytes);
  return bytes;
}
