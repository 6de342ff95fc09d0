/** Adds up what the requests of one call have sent. */

import type { Progress } from "./options.ts";

export class SentBytes {
  /** Undefined for a stream, whose length shows when it ends. */
  totalBytes: number | undefined;
  readonly #onProgress: ((progress: Progress) => void) | undefined;
  #sentBytes = 0;

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  add(bytes: number): void {
    this.#sentBytes += bytes;
    this.#onProgress?.({ sentBytes: this.#sentBytes, totalBytes: this.totalBytes });
  }

  /** For one request: a further try takes back what the one before has sent. */
  request(): { readonly onTry: () => void; readonly onSent: (bytes: number) => void } {
    let ownBytes = 0;
    const onTry = (): void => {
      this.#sentBytes -= ownBytes;
      ownBytes = 0;
    };
    const onSent = (bytes: number): void => {
      ownBytes += bytes;
      this.add(bytes);
    };
    return { onTry, onSent };
  }
}
