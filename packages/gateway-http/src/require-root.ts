import { StoreError } from "@holdfast/base";
import { rootAccount } from "@holdfast/node";
import type { ApiCall } from "./operation.ts";

/** AccessDenied for everybody else. */
export function requireRoot({ caller }: ApiCall): void {
  if (caller.account === rootAccount) return;
  throw new StoreError("AccessDenied", "This asks for the root key.");
}
