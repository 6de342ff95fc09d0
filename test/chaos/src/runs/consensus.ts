export type Consensus = "raft" | "multipaxos";
