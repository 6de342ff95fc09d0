/** One file to be copied, in whichever direction, and what is left out of a copy. */

import type { RemoteLocation } from "../command-line/location.ts";
import { locationText } from "../command-line/location.ts";

export type Job =
  | {
      readonly kind: "upload";
      readonly path: string;
      readonly to: RemoteLocation;
      readonly bytes: number | undefined;
    }
  | {
      readonly kind: "download";
      readonly from: RemoteLocation;
      readonly path: string;
      readonly bytes: number | undefined;
    }
  /** A key that ends in "/" and has no bytes: how some tools keep empty folders. */
  | { readonly kind: "folder"; readonly from: RemoteLocation; readonly path: string }
  | {
      readonly kind: "copy";
      readonly from: RemoteLocation;
      readonly to: RemoteLocation;
      readonly bytes: number | undefined;
    };

export type PlannedItem =
  | Job
  /** The target has it already. */
  | { readonly kind: "unchanged" }
  | { readonly kind: "skipped"; readonly what: "symlink" | "special"; readonly path: string }
  | { readonly kind: "failed"; readonly about: string; readonly error: unknown };

export function sourceText(job: Job): string {
  return job.kind === "upload" ? job.path : locationText(job.from);
}

export function targetText(job: Job): string {
  return job.kind === "download" || job.kind === "folder" ? job.path : locationText(job.to);
}
