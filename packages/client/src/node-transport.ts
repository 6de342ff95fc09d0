/** Requests over node:http, on connections that are kept. */

import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { StoreError } from "@holdfast/base";
import type { OutgoingBody, Transport, TransportRequest, TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

/** A node that does not even accept the connection in this time is as good as down. */
const connectTimeoutMs = 5_000;
/** Without a byte either way. */
const idleTimeoutMs = 120_000;
/** Bodies above wait for the server's go-ahead, so that a refusal costs no upload. */
const immediateBytesMax = 1024 * 1024;
/** For servers that never say it (RFC 9110 section 10.1.1). */
const continueTimeoutMs = 1_000;
/** Memory bodies are written in slices, so that progress shows and an abort is noticed. */
const sliceBytes = 256 * 1024;

export class NodeTransport implements Transport {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 128, scheduling: "lifo" });
  readonly #https = new HttpsAgent({ keepAlive: true, maxSockets: 128, scheduling: "lifo" });

  send(request: TransportRequest): Promise<TransportResponse> {
    const { endpoint, method, target, body, signal } = request;
    const isSecure = endpoint.origin.startsWith("https:");
    const headers: Record<string, string> = { ...request.headers, ...lengthHeaders(method, body) };
    const options = { method, path: target, headers, agent: isSecure ? this.#https : this.#http };
    if (signal?.aborted === true) return Promise.reject(new TransportFailure("nothing", signal.reason));
    const message = (isSecure ? httpsRequest : httpRequest)(endpoint.origin, options);
    return new Sending(message, request).response;
  }

  close(): void {
    for (const agent of [this.#http, this.#https]) {
      for (const sockets of Object.values(agent.freeSockets))
        for (const socket of sockets ?? []) socket.destroy();
    }
  }
}

function lengthHeaders(method: string, body: OutgoingBody | undefined): Record<string, string> {
  if (body === undefined) return method === "PUT" || method === "POST" ? { "content-length": "0" } : {};
  const bytes = bytesOf(body);
  return { "content-length": String(bytes), ...(waitsForContinue(body) ? { expect: "100-continue" } : {}) };
}

function bytesOf(body: OutgoingBody): number {
  return body.kind === "bytes" ? body.data.length : body.bytes;
}

function waitsForContinue(body: OutgoingBody): boolean {
  return body.kind === "stream" || body.data.length > immediateBytesMax;
}

/** One request from its first byte to the headers of its answer. */
class Sending {
  readonly response: Promise<TransportResponse>;
  readonly #message: ClientRequest;
  readonly #request: TransportRequest;
  #isConnected = false;
  /** The request's last byte was handed to the connection: from here on the server may apply it. */
  #isWhole = false;
  #isAnswered = false;
  /** The body's own source failed. */
  #sourceFailure: { readonly cause: unknown } | undefined;

  constructor(message: ClientRequest, request: TransportRequest) {
    this.#message = message;
    this.#request = request;
    this.response = new Promise((resolve, reject) => {
      message.on("response", (answer) => resolve(this.#onResponse(answer)));
      message.on("error", (cause) => reject(this.#failure(cause)));
    });
    message.on("socket", (socket) => this.#onSocket(socket));
    this.#followSignal();
    this.#begin();
  }

  #failure(cause: unknown): unknown {
    if (this.#sourceFailure !== undefined) return this.#sourceFailure.cause;
    return new TransportFailure(!this.#isConnected ? "nothing" : this.#isWhole ? "all" : "part", cause);
  }

  #followSignal(): void {
    const { signal } = this.#request;
    if (signal === undefined) return;
    const onAbort = (): void => void this.#message.destroy(new Error("aborted"));
    signal.addEventListener("abort", onAbort);
    this.#message.on("close", () => signal.removeEventListener("abort", onAbort));
  }

  #onSocket(socket: Socket): void {
    this.#message.setTimeout(idleTimeoutMs, () =>
      this.#message.destroy(new Error("nothing was heard for too long")),
    );
    if (!socket.connecting) {
      this.#isConnected = true;
      return;
    }
    const timer = setTimeout(
      () => this.#message.destroy(new Error("no connection in time")),
      connectTimeoutMs,
    );
    socket.once("close", () => clearTimeout(timer));
    socket.once("connect", () => {
      clearTimeout(timer);
      this.#isConnected = true;
    });
  }

  #begin(): void {
    const { body, onSent } = this.#request;
    if (body === undefined) {
      this.#isWhole = true;
      this.#message.end();
    } else if (body.kind === "bytes" && body.data.length <= sliceBytes) {
      this.#isWhole = true;
      this.#message.end(body.data, () => onSent?.(body.data.length));
    } else if (waitsForContinue(body)) {
      this.#awaitContinue(body);
    } else {
      void this.#pump(body);
    }
  }

  #awaitContinue(body: OutgoingBody): void {
    let isGoing = false;
    const go = (): void => {
      clearTimeout(timer);
      if (isGoing || this.#isAnswered || this.#message.destroyed) return;
      isGoing = true;
      void this.#pump(body);
    };
    let timer = setTimeout(() => undefined, 0);
    // Counted from the connection on: before that nobody could have answered.
    this.#message.on("socket", (socket) => {
      const count = (): void => {
        timer = setTimeout(go, continueTimeoutMs);
      };
      if (socket.connecting) socket.once("connect", count);
      else count();
    });
    this.#message.on("continue", go);
    this.#message.on("close", () => clearTimeout(timer));
    this.#message.flushHeaders();
  }

  async #pump(body: OutgoingBody): Promise<void> {
    const total = bytesOf(body);
    let sentBytes = 0;
    try {
      for await (const chunk of body.kind === "bytes" ? slices(body.data) : body.open()) {
        if (this.#message.destroyed || this.#isAnswered) return;
        sentBytes += chunk.length;
        if (sentBytes > total) throw lengthChanged(total);
        this.#isWhole = sentBytes === total;
        if (!this.#message.write(chunk)) await this.#drained();
        this.#request.onSent?.(chunk.length);
      }
      if (sentBytes < total) throw lengthChanged(total);
      this.#isWhole = true;
      this.#message.end();
    } catch (cause) {
      this.#sourceFailure = { cause };
      this.#message.destroy(new Error("the body's source failed"));
    }
  }

  #drained(): Promise<void> {
    const message = this.#message;
    return new Promise((resolve) => {
      const done = (): void => {
        message.removeListener("drain", done);
        message.removeListener("close", done);
        message.removeListener("response", done);
        resolve();
      };
      message.on("drain", done);
      message.on("close", done);
      message.on("response", done);
      if (message.destroyed || this.#isAnswered) done();
    });
  }

  #onResponse(answer: IncomingMessage): TransportResponse {
    this.#isAnswered = true;
    const message = this.#message;
    // Answered before the request was whole: what is left of it is not wanted, and the connection is of no more use.
    answer.on("close", () => {
      if (!message.writableEnded) message.destroy();
    });
    const isEmpty = message.method === "HEAD" || answer.statusCode === 204;
    if (isEmpty) answer.resume();
    return {
      status: answer.statusCode ?? 0,
      headers: textHeaders(answer),
      body: isEmpty ? nothing() : answer,
      cancel: () => {
        if (!isEmpty) answer.destroy();
      },
    };
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function* slices(data: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += sliceBytes)
    yield data.subarray(offset, offset + sliceBytes);
}

function lengthChanged(bytes: number): StoreError {
  return new StoreError("IncompleteBody", `The content is not the ${bytes} bytes it was said to be.`, {
    fields: { bytes },
  });
}

function textHeaders(answer: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(answer.headers))
    headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return headers;
}
