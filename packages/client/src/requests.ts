/**
 * Signed requests to one of several endpoints. Tried again, elsewhere and later, is only what cannot do harm: reads, parts
 * (nobody sees them before their upload is completed), and writes that are known not to have been applied.
 */

import { emptyPayloadHash, StoreError, signRequest, toHex, unsignedPayload } from "@holdfast/base";
import { readError } from "./error-answer.ts";
import type { Platform } from "./platform.ts";
import type { Endpoint, OutgoingBody, TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: OutgoingBody | undefined;
  /** "repeatable" writes may be applied twice without anybody noticing. */
  readonly effect: "read" | "write" | "repeatable";
  readonly signal?: AbortSignal | undefined;
  readonly onSent?: ((bytes: number) => void) | undefined;
}

export interface RequestsOptions {
  readonly endpoints: readonly Endpoint[];
  readonly accessKey: string;
  readonly secretKey: string;
  /** How long a request is tried again, in milliseconds. */
  readonly retryMs: number;
  readonly platform: Platform;
}

const firstDelayMs = 50;
const delayMsMax = 2000;

export class Requests {
  readonly #options: RequestsOptions;
  /** The endpoint that answered last. */
  #current = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** Whether bodies must be hashed before they are sent: off this machine, nodes take no unsigned ones. */
  get signsBodies(): boolean {
    return this.#options.endpoints.some((endpoint) => !endpoint.isLoopback);
  }

  /** The answer, if it is no failure; a StoreError otherwise, or the signal's reason when it was aborted without effect. */
  async send(request: ApiRequest): Promise<TransportResponse> {
    const { endpoints, platform, retryMs } = this.#options;
    const giveUpAtMs = platform.wallMs() + retryMs;
    for (let tries = 1; ; tries++) {
      request.signal?.throwIfAborted();
      const result = await this.#try(request);
      if (!(result instanceof StoreError)) return result;
      const round = Math.floor((tries - 1) / endpoints.length);
      const waits = tries % endpoints.length === 0;
      const delayMs = waits
        ? Math.min(delayMsMax, firstDelayMs * 2 ** round) * (0.5 + platform.random() / 2)
        : 0;
      if (!mayRepeat(request, result) || platform.wallMs() + delayMs > giveUpAtMs) throw result;
      this.#current = (this.#current + 1) % endpoints.length;
      if (waits) await platform.sleep(delayMs, request.signal);
    }
  }

  /** A failure that may be worth another try is returned; what ends the matter at once is thrown. */
  async #try(request: ApiRequest): Promise<TransportResponse | StoreError> {
    const endpoint = this.#options.endpoints[this.#current] ?? this.#options.endpoints[0];
    if (endpoint === undefined) throw new StoreError("InvalidArgument", "Name an endpoint.");
    try {
      const response = await this.#sendTo(endpoint, request);
      if (response.status < 300) return response;
      return await readError(response, request.effect);
    } catch (cause) {
      if (cause instanceof TransportFailure) return failureOf(request, endpoint, cause);
      // The body's source failed, and the request with it.
      throw cause;
    }
  }

  #sendTo(endpoint: Endpoint, request: ApiRequest): Promise<TransportResponse> {
    const { accessKey, secretKey, platform } = this.#options;
    const headers: Record<string, string> = { host: endpoint.authority };
    for (const [name, value] of Object.entries(request.headers ?? {}))
      if (value !== undefined) headers[name] = value;
    const query = request.query ?? "";
    const signature = signRequest({
      method: request.method,
      path: request.path,
      query,
      headers,
      payloadHash: this.#payloadHash(endpoint, request.body),
      accessKey,
      secretKey,
      region: "any",
      service: "holdfast",
      wallMs: platform.wallMs(),
      sha256: platform.sha256,
    });
    return platform.transport.send({
      endpoint,
      method: request.method,
      target: query === "" ? request.path : `${request.path}?${query}`,
      headers: { ...headers, ...signature },
      body: request.body,
      signal: request.signal,
      onSent: request.onSent,
    });
  }

  #payloadHash(endpoint: Endpoint, body: OutgoingBody | undefined): string {
    if (body === undefined) return emptyPayloadHash;
    if (body.kind === "stream" || endpoint.isLoopback) return unsignedPayload;
    return toHex(this.#options.platform.sha256(body.data));
  }
}

function mayRepeat(request: ApiRequest, error: StoreError): boolean {
  return error.retryable && (request.effect !== "write" || error.outcome === "not-applied");
}

function failureOf(request: ApiRequest, endpoint: Endpoint, failure: TransportFailure): StoreError {
  const { origin } = endpoint;
  const isOpen = request.effect === "write" && failure.sent === "all";
  if (request.signal?.aborted === true && !isOpen) throw request.signal.reason;
  const options = { fields: { endpoint: origin }, cause: failure.cause };
  if (isOpen) {
    const message = `${origin} broke off before it answered (${failure.message}): look whether the write took effect.`;
    return new StoreError("OutcomeUnknown", message, options);
  }
  return new StoreError("Unavailable", `${origin} cannot be reached: ${failure.message}`, options);
}
