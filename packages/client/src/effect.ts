/**
 * What a request may change, and with that whether it may be sent again when nobody knows what became of it. "repeatable" writes
 * may be applied twice without anybody noticing. "once" is a write that the store itself applies at most once: completing an upload
 * (S20), or one under a condition that its own success makes fail.
 */
export type Effect = "read" | "write" | "repeatable" | "once";
