import type { StoreError } from "@holdfast/base";

/** The operations of a node that are under way, and whether more may come. */
export class Traffic {
  #underWay = 0;
  #refusal: StoreError | undefined;
  #idle: (() => void) | undefined;

  get underWay(): number {
    return this.#underWay;
  }

  /** Throws what `close` was given. */
  enter(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#underWay++;
  }

  leave(): void {
    this.#underWay--;
    if (this.#underWay === 0) this.#idle?.();
  }

  /** Refuses everything from now on; the first reason stays. */
  close(reason: StoreError): void {
    this.#refusal ??= reason;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }
}
