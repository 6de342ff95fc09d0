/** What the parts of a layout change need of the node around them. */

import type { ContentId } from "@holdfast/base";
import type { StateReader } from "@holdfast/ports";
import type { SystemCommand, SystemResult } from "@holdfast/shard";

/** The system group, as this node has it. */
export interface SystemPort {
  /** As far as it was applied here, which may be behind. */
  readonly state: StateReader;
  /** Resolves when `state` shows the entry's effects. Throws StoreError. */
  readonly append: (command: SystemCommand) => Promise<SystemResult>;
}

/**
 * What a content's home shard says of it, by linearizable read.
 *
 * - `gone`: it is dead, or nothing names it and nothing ever can. For ever (S4): it is not copied (S7).
 * - `open`: nothing names it yet, and its attempt may still commit. Of what width nobody can say.
 * - a width: it is live, or a part of an open upload; so many slots each of its blocks has.
 */
export type ContentStatus = "gone" | "open" | { readonly width: number };

/** Throws when the home shard cannot be asked now. */
export type ContentStatusOf = (content: ContentId) => Promise<ContentStatus>;
