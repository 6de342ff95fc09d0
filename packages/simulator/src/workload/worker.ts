import type { Connection } from "./connection.ts";
import type { Session } from "./session.ts";

/** One client at work: what it shares with the others, its way to the store, its number. */
export interface Worker {
  readonly session: Session;
  readonly connection: Connection;
  readonly number: number;
}
