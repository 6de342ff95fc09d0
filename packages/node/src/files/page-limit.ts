import { limits, StoreError } from "@holdfast/base";

export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 0 && limit <= limits.keysPerRequestMax) return;
  throw new StoreError("InvalidArgument", `A page has 0 to ${limits.keysPerRequestMax} entries.`, {
    fields: { limit },
  });
}
