/**
 * Signed requests to one of several endpoints. Tried again, elsewhere and later, is only what cannot do harm: reads, parts
 * (nobody sees them before their upload is completed), writes that are known not to have been applied, and writes that the
 * store applies once however often they arrive.
 */

import { emptyPayloadHash, StoreError, signRequest, toHex, unsignedPayload } from "@holdfast/base";
import type { Effect } from "./effect.ts";
import { readError } from "./error-answer.ts";
import type { Platform } from "./platform.ts";
import type { Answer } from "./read-answer.ts";
import { readAnswer } from "./read-answer.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { StreamedOperation } from "./streamed-operation.ts";
import { Streams } from "./streams.ts";
import type { Endpoint, OutgoingBody, TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: OutgoingBody | undefined;
  readonly effect: Effect;
  /** What it does, if it may travel on a stream. */
  readonly operation?: StreamedOperation | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Before each try: what `onSent` told of the one before has come to nothing. */
  readonly onTry?: (() => void) | undefined;
  readonly onSent?: ((bytes: number) => void) | undefined;
}

export interface RequestsOptions {
  readonly endpoints: readonly Endpoint[];
  readonly accessKey: string;
  readonly secretKey: string;
  /** How long a request is tried again, in milliseconds. */
  readonly retryMs: number;
  /** Whether many small operations share a stream; "auto" unless given. */
  readonly stream?: "auto" | "never" | undefined;
  readonly platform: Platform;
}

export class Requests {
  readonly #options: RequestsOptions;
  readonly #streams: Streams | undefined;
  /** The endpoint that answered last. */
  #current = 0;

  constructor(options: RequestsOptions) {
    this.#options = options;
    const { streaming } = options.platform;
    const isNever = options.stream === "never" || streaming === undefined;
    this.#streams = isNever ? undefined : new Streams({ ...options, streaming });
  }

  /** Ends connections that were kept for later. Calls under way go on. */
  close(): void {
    this.#streams?.close();
    this.#options.platform.transport.close();
  }

  /** Whether bodies must be hashed before they are sent: off this machine, nodes take no unsigned ones. */
  get signsBodies(): boolean {
    return this.#options.endpoints.some((endpoint) => !endpoint.isLoopback);
  }

  /** The answer, if it is no failure; a StoreError otherwise, or the signal's reason when it was aborted without effect. */
  send(request: ApiRequest): Promise<TransportResponse> {
    return this.#repeat(request, (response) => Promise.resolve(response));
  }

  /** The JSON document of the answer. One that breaks off on the way counts as none. */
  ask(request: ApiRequest): Promise<Answer> {
    return this.#repeat(request, readAnswer);
  }

  async #repeat<T>(request: ApiRequest, take: Take<T>): Promise<T> {
    const { endpoints, platform, retryMs } = this.#options;
    const giveUpAtMs = platform.wallMs() + retryMs;
    /** The last try that may have taken effect. */
    let open: StoreError | undefined;
    for (let tries = 1; ; tries++) {
      if (request.signal?.aborted === true) throw open ?? request.signal.reason;
      request.onTry?.();
      const result = await this.#try(request, take).catch((cause: unknown) => {
        throw open ?? cause;
      });
      if (result.kind === "taken") return result.value;
      const { error } = result;
      if (request.effect === "once" && error.outcome === "unknown") open = error;
      const waits = tries % endpoints.length === 0;
      const round = Math.floor((tries - 1) / endpoints.length);
      const delayMs = waits ? retryDelayMs(round, platform.random) : 0;
      if (!mayRepeat(request, error) || platform.wallMs() + delayMs > giveUpAtMs)
        throw open === undefined || error === open ? error : stillOpen(open, error);
      this.#current = (this.#current + 1) % endpoints.length;
      if (waits) await platform.sleep(delayMs, request.signal);
    }
  }

  /** A failure that may be worth another try is returned; what ends the matter at once is thrown. */
  async #try<T>(request: ApiRequest, take: Take<T>): Promise<Tried<T>> {
    const endpoint = this.#options.endpoints[this.#current] ?? this.#options.endpoints[0];
    if (endpoint === undefined) throw new StoreError("InvalidArgument", "Name an endpoint.");
    try {
      const response = await this.#sendTo(endpoint, request);
      if (response.status >= 300) return { kind: "failed", error: await readError(response, request.effect) };
      return { kind: "taken", value: await taken(response, take) };
    } catch (cause) {
      if (cause instanceof TransportFailure)
        return { kind: "failed", error: failureOf(request, endpoint, cause) };
      // The body's source failed, and the request with it.
      throw cause;
    }
  }

  #sendTo(endpoint: Endpoint, request: ApiRequest): Promise<TransportResponse> {
    const { operation, headers: fields = {}, body, signal, onSent } = request;
    const overHttp = (): Promise<TransportResponse> => this.#sendOverHttp(endpoint, request);
    if (operation === undefined || this.#streams === undefined) return overHttp();
    return this.#streams.send(endpoint, { operation, fields, body, signal, onSent }, overHttp);
  }

  #sendOverHttp(endpoint: Endpoint, request: ApiRequest): Promise<TransportResponse> {
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

type Take<T> = (response: TransportResponse) => Promise<T>;

type Tried<T> =
  | { readonly kind: "taken"; readonly value: T }
  | { readonly kind: "failed"; readonly error: StoreError };

async function taken<T>(response: TransportResponse, take: Take<T>): Promise<T> {
  try {
    return await take(response);
  } catch (cause) {
    throw cause instanceof StoreError ? cause : new TransportFailure("all", cause);
  }
}

function mayRepeat(request: ApiRequest, error: StoreError): boolean {
  return error.retryable && (request.effect !== "write" || error.outcome === "not-applied");
}

/** A refusal behind a try that may have taken effect proves nothing: it may be that try's own doing. */
function stillOpen(open: StoreError, refused: StoreError): StoreError {
  const message = `${open.message} A second try was answered: ${refused.message}`;
  return new StoreError("OutcomeUnknown", message, { fields: open.fields, cause: refused });
}

function failureOf(request: ApiRequest, endpoint: Endpoint, failure: TransportFailure): StoreError {
  const { origin } = endpoint;
  const isOpen = (request.effect === "write" || request.effect === "once") && failure.sent === "all";
  if (request.signal?.aborted === true && !isOpen) throw request.signal.reason;
  const options = { fields: { endpoint: origin }, cause: failure.cause };
  if (isOpen) {
    const message = `${origin} broke off before it answered (${failure.message}): look whether the write took effect.`;
    return new StoreError("OutcomeUnknown", message, options);
  }
  return new StoreError("Unavailable", `${origin} cannot be reached: ${failure.message}`, options);
}
