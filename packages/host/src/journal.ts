import type { Journal, JournalFields } from "@holdfast/ports";
import type { DestinationStream, Logger } from "pino";
import { pino } from "pino";
import { readableLines } from "./readable-lines.ts";

export interface PinoJournalOptions {
  readonly level?: "debug" | "info" | "warn" | "error" | "silent";
  /** Where lines go: 1 standard output, 2 standard error (the default: standard output is for results), or a stream. */
  readonly destination?: 1 | 2 | DestinationStream;
  /** `json` for programs, the default; `text` for a person at a terminal. */
  readonly format?: "json" | "text";
}

/** Fields whose names promise a secret lose their value. The rule stays that nobody hands any in: this is the net. */
const secretName =
  /secret|password|passphrase|authorization|cookie|credential|private.?key|join.?token|signature/i;

/** One JSON object a line: `level`, `time`, `event` and the fields; or the same as text. */
export function pinoJournal(journal: PinoJournalOptions = {}): Journal {
  const { level = "info", destination = 2, format = "json" } = journal;
  const options = {
    level,
    base: null,
    messageKey: "event",
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  // Written at once: the last lines before a crash are the ones that matter.
  const stream =
    typeof destination === "number" ? pino.destination({ dest: destination, sync: true }) : destination;
  return journalOver(pino(options, format === "json" ? stream : readableLines(stream)));
}

function journalOver(logger: Logger): Journal {
  return {
    debug: (event, fields) => logger.debug(withoutSecrets(fields), event),
    info: (event, fields) => logger.info(withoutSecrets(fields), event),
    warn: (event, fields) => logger.warn(withoutSecrets(fields), event),
    error: (event, fields) => logger.error(withoutSecrets(fields), event),
    with: (fields) => journalOver(logger.child(withoutSecrets(fields))),
  };
}

function withoutSecrets(fields: JournalFields = {}): JournalFields {
  const names = Object.keys(fields);
  if (!names.some((name) => secretName.test(name))) return fields;
  return Object.fromEntries(names.map((name) => [name, secretName.test(name) ? "[removed]" : fields[name]]));
}
