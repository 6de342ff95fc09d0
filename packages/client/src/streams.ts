/**
 * When operations travel on a stream: one opens to an endpoint as soon as several small operations are under way there at once,
 * which one request each would cost most; from then on all small ones take it. Where none can be had, they go on over HTTP.
 */

import type { Fields } from "@holdfast/base";
import { presignRequest, streamLimits, toHex } from "@holdfast/base";
import { OperationStream } from "./operation-stream.ts";
import type { Platform, Streaming } from "./platform.ts";
import type { StreamedOperation } from "./streamed-operation.ts";
import type { Endpoint, OutgoingBody, TransportResponse } from "./transport.ts";

export interface StreamsOptions {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly platform: Platform;
  readonly streaming: Streaming;
}

/** A request as it may travel either way. */
export interface Streamable {
  readonly operation: StreamedOperation;
  readonly fields: Fields;
  readonly body: OutgoingBody | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onSent: ((bytes: number) => void) | undefined;
}

/** Under way at one endpoint, from which on a stream is worth its opening. */
const atOnceMin = 3;
/** Before the next attempt where none could be opened, and where one broke. */
const refusedMs = 30_000;
const brokenMs = 1_000;
/** As long as a signature in headers is good. */
const expiresSeconds = 900;
const nonceBytes = 16;
const path = "/api/v1/stream";

interface Place {
  stream: OperationStream | undefined;
  /** Small operations that are on their way over HTTP. */
  overHttp: number;
  notBeforeMs: number;
}

export class Streams {
  readonly #options: StreamsOptions;
  readonly #places = new Map<string, Place>();
  #isClosed = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** `overHttp` sends what cannot travel on a stream, or not now. Rejects with a TransportFailure, as a transport does. */
  async send(
    endpoint: Endpoint,
    streamable: Streamable,
    overHttp: () => Promise<TransportResponse>,
  ): Promise<TransportResponse> {
    const { operation, fields, body, signal, onSent } = streamable;
    if (!isSmall(streamable)) return overHttp();
    const place = this.#placeOf(endpoint);
    const data = body?.kind === "bytes" ? body.data : undefined;
    if (place.stream?.isReady === true) {
      const carried = place.stream.carry({ ...operation, fields, body: data, signal, onSent });
      const response = await carried;
      if (response !== undefined) return response;
    }
    place.overHttp++;
    try {
      if (place.overHttp >= atOnceMin) this.#open(endpoint, place);
      return await overHttp();
    } finally {
      place.overHttp--;
    }
  }

  /** Streams end when what is under way on them is answered; none opens any more. */
  close(): void {
    this.#isClosed = true;
    for (const { stream } of this.#places.values()) stream?.leave();
  }

  #placeOf({ origin }: Endpoint): Place {
    const known = this.#places.get(origin);
    if (known !== undefined) return known;
    const place: Place = { stream: undefined, overHttp: 0, notBeforeMs: 0 };
    this.#places.set(origin, place);
    return place;
  }

  #open(endpoint: Endpoint, place: Place): void {
    const { platform, streaming, secretKey } = this.#options;
    if (place.stream !== undefined || this.#isClosed || platform.wallMs() < place.notBeforeMs) return;
    const nonce = toHex(streaming.randomBytes(nonceBytes));
    const url = this.#url(endpoint, nonce);
    const onEnd = (wasReady: boolean): void => {
      place.stream = undefined;
      place.notBeforeMs = platform.wallMs() + (wasReady ? brokenMs : refusedMs);
    };
    const options = { streaming, sha256: platform.sha256, secretKey, nonce, onEnd };
    place.stream = new OperationStream(options, (listener) => streaming.openChannel(url, listener));
  }

  /** Signed in its query: browsers send no headers of ours with a WebSocket. */
  #url(endpoint: Endpoint, nonce: string): string {
    const { accessKey, secretKey, platform } = this.#options;
    const query = presignRequest({
      method: "GET",
      path,
      query: `nonce=${nonce}`,
      headers: { host: endpoint.authority },
      accessKey,
      secretKey,
      region: "any",
      service: "holdfast",
      wallMs: platform.wallMs(),
      sha256: platform.sha256,
      expiresSeconds,
    });
    return `${endpoint.origin.replace(/^http/, "ws")}${path}?${query}`;
  }
}

/** In UTF-8 a character has three bytes at most. */
const headCharactersMax = streamLimits.headBytesMax / 4;

function isSmall({ operation, fields, body }: Streamable): boolean {
  if (body !== undefined && (body.kind === "stream" || body.data.length > streamLimits.bodyBytesMax))
    return false;
  let characters = operation.bucket.length + operation.key.length;
  for (const [name, value] of Object.entries(fields)) characters += name.length + (value?.length ?? 0);
  return characters <= headCharactersMax;
}
