/** What a workload keeps from one life of the store to the next: the model, the names in use, the numbers given out. */

import type { ErrorCode, Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";
import type { Hashing } from "@holdfast/ports";
import type { Name } from "../model/store-model.ts";
import { StoreModel } from "../model/store-model.ts";
import { UploadModel } from "../model/upload-model.ts";

export interface SessionOptions {
  readonly random: Random;
  readonly hashing: Hashing;
  readonly trace: (line: string) => void;
  /** Contents are at most so long, parts of five MiB apart. */
  readonly bodyBytesMax: number;
  readonly blockBytes: number;
  readonly keysPerBucket: number;
  /** How long the store keeps dead contents for their readers (S6). */
  readonly readerGraceMs: number;
  /** How often, of 1,000 uploads, one has several parts, of which all but the last have 5 MiB. */
  readonly manyPartsPerMille: number;
  /** Of a cluster: what nobody can say the outcome of may take effect later still (StoreModelOptions). */
  readonly unknownMayComeLater?: boolean;
  /** Connections between nodes break by themselves: nobody may know what became of a change of a bucket, which has no writer. */
  readonly connectionsBreak?: boolean;
}

/** Files that are written once and never changed: sources of copies that take over metadata. */
export const fixtures: readonly Name[] = [
  { bucket: "main-a", key: "fixed/one" },
  { bucket: "main-b", key: "fixed/two" },
];
export const mainBuckets: readonly string[] = ["main-a", "main-b"];

export class Session {
  readonly options: SessionOptions;
  readonly random: Random;
  readonly model: StoreModel;
  readonly uploads: UploadModel = new UploadModel();
  /** Whether buckets exist is a register too: its tag is "bucket". */
  readonly buckets: StoreModel;
  /** The latest ETag that any client was told of a key. */
  readonly etags: Map<string, string> = new Map();
  readonly fixtureTags: string[] = [];
  /** While somebody tries to delete a bucket that is in use, writes to it may be told to come again (S17). */
  deletionsUnderWay = 0;
  /** Monotonic; a request that began before may have met it. */
  lastDeletionEndedMs: number = Number.NEGATIVE_INFINITY;
  /** Buckets that somebody tried to make or delete without learning what became of it: it may still go on. */
  readonly unsettledBuckets: Set<string> = new Set();
  #tags = 0;
  #pieces = 0;

  constructor(options: SessionOptions) {
    this.options = options;
    this.random = options.random;
    const { unknownMayComeLater = false } = options;
    this.model = new StoreModel({ unknownMayComeLater });
    this.buckets = new StoreModel({ unknownMayComeLater });
    this.buckets.registerWrite("bucket", { pieces: [] }, "");
  }

  get unknownMayComeLater(): boolean {
    return this.options.unknownMayComeLater === true;
  }

  /** What excuses a change of a bucket besides. */
  get bucketExcuses(): readonly ErrorCode[] {
    return this.options.connectionsBreak === true ? ["OutcomeUnknown"] : [];
  }

  trace(line: string): void {
    this.options.trace(line);
  }

  nextTag(): string {
    return `w${++this.#tags}`;
  }

  nextPiece(bytes: number): { readonly id: number; readonly bytes: number } {
    return { id: ++this.#pieces, bytes };
  }

  /** Any key that is written to; a few of them, so that clients meet. */
  anyName(): Name {
    const bucket = mainBuckets[uniform(this.random, mainBuckets.length)] ?? "main-a";
    const number = uniform(this.random, this.options.keysPerBucket);
    const folder = ["", "dir/", "dir/sub/", "ünï/"][number % 4] ?? "";
    return { bucket, key: `${folder}k${number}` };
  }

  anyBytes(): number {
    const { bodyBytesMax, blockBytes } = this.options;
    const inlineMax = 16 * 1024;
    switch (uniform(this.random, 12)) {
      case 0:
        return 0;
      case 1:
        return inlineMax + uniform(this.random, 3) - 1;
      case 2:
      case 3:
        return Math.max(
          inlineMax + 1,
          blockBytes * (1 + uniform(this.random, Math.max(1, Math.floor(bodyBytesMax / blockBytes)))) +
            uniform(this.random, 3) -
            1,
        );
      case 4:
      case 5:
      case 6:
        return inlineMax + 1 + uniform(this.random, Math.max(1, bodyBytesMax - inlineMax));
      default:
        return 1 + uniform(this.random, 3000);
    }
  }
}
