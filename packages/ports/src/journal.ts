/** The program's log lines (never the replicated log): an event's name and its fields. Never secrets, never contents. */
export interface Journal {
  debug(event: string, fields?: JournalFields): void;
  info(event: string, fields?: JournalFields): void;
  warn(event: string, fields?: JournalFields): void;
  error(event: string, fields?: JournalFields): void;
  /** A journal whose lines all carry these fields. */
  with(fields: JournalFields): Journal;
}

export type JournalFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** A journal that keeps nothing. */
export const silentJournal: Journal = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => silentJournal,
};
