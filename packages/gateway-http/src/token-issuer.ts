/** What makes join tokens: it knows where nodes that join find this one, and by what they know it. */
export interface TokenIssuer {
  /** `token`: as `--join` takes it. `expiresAtMs`: by the node's clock. */
  readonly issue: (lifetimeMs: number) => Promise<{ readonly token: string; readonly expiresAtMs: number }>;
}
