/** Makes a stream of the connection of a signed request, and keys for it that nobody but caller and node can make. */

import type { Random, RequestFrame } from "@holdfast/base";
import { encodeStreamHello, MiB, nonceBytes, StoreError, streamKeys, streamLimits } from "@holdfast/base";
import type { Clock, HttpRequest, HttpResponse, Journal } from "@holdfast/ports";
import type { Authenticator, Caller } from "../authenticate.ts";
import { MemoryBudget } from "./memory-budget.ts";
import type { OperationAnswer } from "./operation-stream.ts";
import { OperationStream } from "./operation-stream.ts";
import type { StreamedRequest } from "./streamed-request.ts";

export interface StreamOpenerOptions {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly random?: Random;
  readonly journal: Journal;
  /** Never rejects. */
  readonly run: (frame: RequestFrame, request: StreamedRequest, caller: Caller) => Promise<OperationAnswer>;
}

/** What the operations of all streams hold at most, one operation more or less. */
const budgetBytes = 128 * MiB;

export class StreamOpener {
  readonly #options: StreamOpenerOptions;
  readonly #budget = new MemoryBudget(budgetBytes);

  constructor(options: StreamOpenerOptions) {
    this.#options = options;
  }

  /** `clientNonce`: from the signed query. NotImplemented, InvalidAccessKey. */
  async open(opening: HttpRequest, caller: Caller, clientNonce: string): Promise<HttpResponse> {
    const { authenticator, random, run, clock, journal } = this.#options;
    if (random === undefined) throw new StoreError("NotImplemented", "This node has no streams.");
    const secretKey = await authenticator.secretKeyOf(caller);
    const { operationsMax, messageBytesMax, bodyBytesMax } = streamLimits;
    const nonce = random.bytes(nonceBytes);
    const hello = encodeStreamHello({ nonce, operationsMax, messageBytesMax, bodyBytesMax });
    const keys = streamKeys(authenticator.sha256, secretKey, clientNonce, hello);
    // Whoever can send on the stream has the secret key: its messages are sealed, bodies included.
    const sealed: Caller = { ...caller, payload: { kind: "unsigned" } };
    return {
      status: 101,
      headers: {},
      body: undefined,
      upgrade: (connection) => {
        connection.send(hello, () => undefined);
        return new OperationStream({
          connection,
          opening,
          keys,
          clock,
          journal,
          budget: this.#budget,
          refusal: () => authenticator.refusalOf(caller, secretKey),
          run: (frame, request) => run(frame, request, sealed),
        });
      },
    };
  }
}
