/** One line of a script: a verb, plain arguments, named ones (`voters=1,2,3`). `#` begins a comment. */

export class ScriptLine {
  readonly verb: string;
  readonly words: readonly string[];
  readonly #named: ReadonlyMap<string, string>;

  constructor(line: string) {
    const [verb = "", ...rest] = line.trim().split(/\s+/);
    this.verb = verb;
    this.words = rest.filter((word) => !word.includes("="));
    this.#named = new Map(
      rest
        .filter((word) => word.includes("="))
        .map((word) => [word.split("=")[0] ?? "", word.split("=")[1] ?? ""]),
    );
  }

  get names(): readonly string[] {
    return [...this.#named.keys()];
  }

  /** Plain arguments that are numbers. */
  get numbers(): readonly number[] {
    return this.words.map((word) => number(word));
  }

  number(position: number): number {
    return number(this.words[position]);
  }

  named(name: string): number | undefined {
    const value = this.#named.get(name);
    return value === undefined ? undefined : number(value);
  }

  list(name: string): readonly number[] {
    const value = this.#named.get(name);
    return value === undefined || value === "" ? [] : value.split(",").map(number);
  }

  has(name: string): boolean {
    return this.#named.has(name);
  }
}

function number(word: string | undefined): number {
  const value = Number(word);
  if (word === undefined || !Number.isInteger(value)) throw new SyntaxError(`not a number: ${word}`);
  return value;
}
