import type { Exemption } from "./mutant.ts";

export const exemptions: readonly Exemption[] = [
  {
    row: "24",
    reason:
      "client sessions with expiry come with the lock service; writers are closed by replicated command alone",
  },
  {
    row: "25",
    reason:
      "a node without its log comes back under a new replica number, which is the node's to give; a wiped replica under its old number cannot be expressed in the protocol",
  },
];
