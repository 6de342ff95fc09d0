/** What a node says once it knows that it was removed from its cluster: for good, to whoever asks. */

import { StoreError } from "@holdfast/base";

/** Another node may be asked the same; this one never answers again. */
export function nodeRemoved(): StoreError {
  const next = "Use another node, and stop this one. To have it back, let it join with an empty directory.";
  return new StoreError("Unavailable", `This node was removed from its cluster. ${next}`);
}
