import type { Journal, JournalFields } from "../journal.ts";

export type JournalLevel = "debug" | "info" | "warn" | "error";

export interface JournalLine {
  readonly level: JournalLevel;
  readonly event: string;
  readonly fields: JournalFields;
}

/** Keeps the lines of this journal and of all made from it by `with`, in the order in which they were written. */
export class CollectingJournal implements Journal {
  readonly #lines: JournalLine[];
  readonly #fields: JournalFields;

  constructor(lines: JournalLine[] = [], fields: JournalFields = {}) {
    this.#lines = lines;
    this.#fields = fields;
  }

  get lines(): readonly JournalLine[] {
    return this.#lines;
  }

  debug(event: string, fields?: JournalFields): void {
    this.#write("debug", event, fields);
  }

  info(event: string, fields?: JournalFields): void {
    this.#write("info", event, fields);
  }

  warn(event: string, fields?: JournalFields): void {
    this.#write("warn", event, fields);
  }

  error(event: string, fields?: JournalFields): void {
    this.#write("error", event, fields);
  }

  with(fields: JournalFields): Journal {
    return new CollectingJournal(this.#lines, { ...this.#fields, ...fields });
  }

  #write(level: JournalLevel, event: string, fields?: JournalFields): void {
    this.#lines.push({ level, event, fields: { ...this.#fields, ...fields } });
  }
}
