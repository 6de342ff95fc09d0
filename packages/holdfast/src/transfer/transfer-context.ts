/** What moving one file needs to know. */

import type { Store } from "@holdfast/client";
import type { UploadStates } from "./upload-state.ts";

export interface TransferContext {
  readonly store: Store;
  /** Names the store in what is kept for a later run. */
  readonly endpoint: string;
  readonly signal: AbortSignal;
  /** Bytes of this file that are on their way or done. */
  readonly onBytes: (bytes: number) => void;
  /** Waits for its turn, if the file is a large one. */
  readonly large: <T>(action: () => Promise<T>) => Promise<T>;
  /** The source goes once the copy is safe. */
  readonly move: boolean;
  /** Only where there is no file yet. */
  readonly onlyNew: boolean;
  /** Uploads that were interrupted; undefined to begin anew, leaving nothing to continue. */
  readonly resume: boolean;
  readonly uploads: UploadStates;
  /** A line for whoever wonders. */
  readonly note: (text: string) => void;
}

/** Files of which a few at a time are enough. */
export const largeBytesMin: number = 16 * 1024 * 1024;
