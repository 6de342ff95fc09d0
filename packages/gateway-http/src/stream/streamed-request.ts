/** One operation of a stream in the shape that operations know: as if it had come in a request of its own. */

import type { Fields, RequestFrame, StreamOperation } from "@holdfast/base";
import { emptyBytes, StoreError } from "@holdfast/base";
import type { ByteStream, HttpRequest } from "@holdfast/ports";

const methods: Readonly<Record<StreamOperation, string>> = {
  storeFile: "PUT",
  readFile: "GET",
  statFile: "HEAD",
  deleteFile: "DELETE",
};

/** They say how long a body is, which its frame does. */
const framing = ["content-length", "transfer-encoding"] as const;

export interface StreamedRequestOptions {
  readonly frame: RequestFrame;
  readonly path: string;
  readonly remoteAddress: string;
  readonly requestId: string;
}

export class StreamedRequest implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query = "";
  readonly headers: Fields;
  readonly body: ByteStream;
  readonly remoteAddress: string;
  readonly requestId: string;
  /** Made when somebody asks for it: most operations end before anybody does. */
  #controller: AbortController | undefined;
  #isUnwanted = false;

  constructor({ frame, path, remoteAddress, requestId }: StreamedRequestOptions) {
    this.method = methods[frame.operation];
    this.path = path;
    this.headers = { ...frame.fields, "content-length": String(frame.body.length) };
    this.body = new WholeBody(frame.body);
    this.remoteAddress = remoteAddress;
    this.requestId = requestId;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isUnwanted) this.#controller.abort();
    return this.#controller.signal;
  }

  throwIfAborted(): void {
    if (this.#isUnwanted) this.signal.throwIfAborted();
  }

  /** The client asked for it no longer, or went away. */
  cancel(): void {
    this.#isUnwanted = true;
    this.#controller?.abort();
  }
}

/** InvalidRequest for fields that a frame has no use for. */
export function checkFields(fields: Fields): void {
  for (const name of framing) {
    if (fields[name] !== undefined)
      throw new StoreError("InvalidRequest", `On a stream there is no ${name}.`, { fields: { name } });
  }
}

/** A body that has come: read once, in one piece. */
class WholeBody implements ByteStream {
  #data: Uint8Array;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  takeWhole(bytesMax: number): Uint8Array | undefined {
    return this.#data.length > bytesMax ? undefined : this.#take();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const data = this.#take();
    if (data.length > 0) yield data;
  }

  #take(): Uint8Array {
    const data = this.#data;
    this.#data = emptyBytes;
    return data;
  }
}
