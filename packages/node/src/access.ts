import type { Awaitable } from "@holdfast/base";

/** Who may use the store. Secrets never appear in messages or in the journal. */
export interface Access {
  /** The account and secret behind an access key, or undefined for a key that is unknown or revoked. */
  credentials(accessKey: string): Awaitable<Credentials | undefined>;
}

/** The account that may do everything; its key is the node's own. */
export const rootAccount = "root";

export interface Credentials {
  readonly account: string;
  readonly secretKey: string;
}
