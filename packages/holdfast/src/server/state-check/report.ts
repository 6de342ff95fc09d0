/** What the process that looks through a state store says in the end. */
export interface StateCheckReport {
  readonly damage: string | undefined;
}
