import type { Exemption } from "./mutant.ts";

export const exemptions: readonly Exemption[] = [
  {
    row: "24",
    reason:
      "client sessions with expiry come with the lock service; writers are closed by replicated command alone",
  },
  {
    row: "M9",
    reason: "no length of a log is compared: whoever reaches a quorum may lead, and learns in phase 1",
  },
  {
    row: "M12",
    reason: "the log below is the same for both protocols: 12",
  },
  {
    row: "M14",
    reason: "the state store is the same for both protocols: 14",
  },
  {
    row: "M23",
    reason: "attempts are known above the protocols: 23",
  },
  {
    row: "M24",
    reason: "as 24",
  },
  {
    row: "M25",
    reason: "numbers of replicas are given out above the protocols: 25",
  },
  {
    row: "M26",
    reason: "the log below is the same for both protocols: 26",
  },
  {
    row: "P8",
    reason:
      "as 25: a replica without its log has another number; one that lost a part of it is suspect, which MS10 stands for",
  },
];
