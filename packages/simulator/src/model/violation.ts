/** What was observed contradicts what was acknowledged: the store lost, mixed up or resurrected something. */
export class Violation extends Error {
  override readonly name: string = "Violation";
}

export function violated(message: string): never {
  throw new Violation(message);
}
