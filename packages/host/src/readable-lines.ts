/** Journal lines for a person at a terminal, made of the JSON lines that programs read. */

import type { DestinationStream } from "pino";

const levels: Readonly<Record<string, string>> = {
  debug: "debug",
  info: "info ",
  warn: "WARN ",
  error: "ERROR",
};

/** "12:30:05.120 WARN  request operation=PutObject status=503 …" */
export function readableLines(to: DestinationStream): DestinationStream {
  return { write: (line) => to.write(readableLine(line)) };
}

export function readableLine(line: string): string {
  const { time, level, event, ...fields } = parse(line);
  const at = new Date(textOf(time));
  const clock = Number.isNaN(at.valueOf()) ? "" : localTime(at);
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${valueText(value)}`);
  return `${clock} ${levels[textOf(level)] ?? textOf(level)} ${escaped(textOf(event))}${pairs.join("")}\n`;
}

function parse(line: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(line);
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function localTime(at: Date): string {
  const padded = (value: number, digits: number): string => String(value).padStart(digits, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => padded(part, 2)).join(":");
  return `${time}.${padded(at.getMilliseconds(), 3)}`;
}

/** Quoted where it would not be one word; what moves a terminal's cursor is escaped. */
function valueText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  const isWord = value !== "" && !/[\s"=]/.test(value);
  return escaped(isWord ? value : JSON.stringify(value));
}

function escaped(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
