import type { Journal, JournalFields } from "@holdfast/ports";

/** A journal whose lines name one request. Made for every request and seldom written to: it costs one object. */
export class RequestJournal implements Journal {
  readonly #journal: Journal;
  readonly #requestId: string;

  constructor(journal: Journal, requestId: string) {
    this.#journal = journal;
    this.#requestId = requestId;
  }

  debug(event: string, fields?: JournalFields): void {
    this.#journal.debug(event, { requestId: this.#requestId, ...fields });
  }

  info(event: string, fields?: JournalFields): void {
    this.#journal.info(event, { requestId: this.#requestId, ...fields });
  }

  warn(event: string, fields?: JournalFields): void {
    this.#journal.warn(event, { requestId: this.#requestId, ...fields });
  }

  error(event: string, fields?: JournalFields): void {
    this.#journal.error(event, { requestId: this.#requestId, ...fields });
  }

  with(fields: JournalFields): Journal {
    return this.#journal.with({ requestId: this.#requestId, ...fields });
  }
}
