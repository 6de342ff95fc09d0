/**
 * Dates of the proleptic Gregorian calendar, in UTC, from milliseconds since 1970 and back: the three spellings that
 * HTTP and S3 use. Pure code has no `Date`; the day arithmetic is Howard Hinnant's `civil_from_days`.
 */

import { assert } from "./assert.ts";

const dayMs = 86_400_000;
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Years 0000 to 9999: what four digits can say. */
const msMin = -62_167_219_200_000;
const msMax = 253_402_300_799_999;

interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

/** `20130524T000000Z`: how SigV4 writes the time; milliseconds are dropped. */
export function formatIso8601Basic(timeMs: number): string {
  const t = civilTime(timeMs);
  return `${pad(t.year, 4)}${pad(t.month, 2)}${pad(t.day, 2)}T${pad(t.hour, 2)}${pad(t.minute, 2)}${pad(t.second, 2)}Z`;
}

/** The text read last: a busy server reads the same second again and again. */
let lastText = "";
let lastTimeMs: number | undefined;

/** Undefined when the text is not a date of this form, or no day of the calendar. */
export function parseIso8601Basic(text: string): number | undefined {
  if (text !== lastText) {
    lastTimeMs = readIso8601Basic(text);
    lastText = text;
  }
  return lastTimeMs;
}

function readIso8601Basic(text: string): number | undefined {
  if (!/^\d{8}T\d{6}Z$/.test(text)) return undefined;
  return timeOf({
    year: digitsAt(text, 0) * 100 + digitsAt(text, 2),
    month: digitsAt(text, 4),
    day: digitsAt(text, 6),
    hour: digitsAt(text, 9),
    minute: digitsAt(text, 11),
    second: digitsAt(text, 13),
    ms: 0,
  });
}

/** The number that two digits make. */
function digitsAt(text: string, position: number): number {
  return text.charCodeAt(position) * 10 + text.charCodeAt(position + 1) - 11 * 0x30;
}

/** `2013-05-24T00:00:00.000Z`: how S3 writes times in XML. */
export function formatIso8601(timeMs: number): string {
  const days = Math.floor(timeMs / dayMs);
  const ms = Math.floor(timeMs) - days * dayMs;
  return `${dayTexts(days).iso}T${clockText(ms)}.${pad(ms % 1000, 3)}Z`;
}

/** `23:59:59`, of so many milliseconds into a day. */
function clockText(ms: number): string {
  const [hour, minute, second] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000), Math.floor(ms / 1000)];
  return `${pad(hour, 2)}:${pad(minute % 60, 2)}:${pad(second % 60, 2)}`;
}

/** One day, as each spelling writes it. */
interface DayTexts {
  readonly days: number;
  readonly iso: string;
  readonly http: string;
}

/** The day written last: listings and readers ask for thousands of times, mostly of few days. */
let lastDay: DayTexts | undefined;

function dayTexts(days: number): DayTexts {
  if (lastDay?.days === days) return lastDay;
  const { year, month, day } = civilTime(days * dayMs);
  const weekday = weekdays[modulo(days + 4, 7)] ?? "";
  lastDay = {
    days,
    iso: `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`,
    http: `${weekday}, ${pad(day, 2)} ${months[month - 1] ?? ""} ${pad(year, 4)}`,
  };
  return lastDay;
}

/** With or without a fraction of a second; digits beyond milliseconds are dropped. Always UTC. */
export function parseIso8601(text: string): number | undefined {
  return fromDigits(/^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z$/.exec(text));
}

/** `Fri, 24 May 2013 00:00:00 GMT` (RFC 9110, IMF-fixdate); milliseconds are dropped. */
export function formatHttpDate(timeMs: number): string {
  const days = Math.floor(timeMs / dayMs);
  return `${dayTexts(days).http} ${clockText(Math.floor(timeMs) - days * dayMs)} GMT`;
}

/**
 * The three forms that RFC 9110 section 5.6.7 asks recipients to read: IMF-fixdate, RFC 850 (two-digit years count from
 * 1970 to 2069) and asctime. The name of the weekday is not checked.
 */
export function parseHttpDate(text: string): number | undefined {
  const fixed =
    /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|\+0000)$/.exec(text);
  if (fixed !== null) return fromNamedMonth(fixed[3], fixed[2], fixed[1], fixed.slice(4));
  const rfc850 = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/.exec(text);
  if (rfc850 !== null) {
    const century = Number(rfc850[3]) < 70 ? "20" : "19";
    return fromNamedMonth(`${century}${rfc850[3] ?? ""}`, rfc850[2], rfc850[1], rfc850.slice(4));
  }
  const asctime = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/.exec(text);
  if (asctime !== null) return fromNamedMonth(asctime[6], asctime[1], asctime[2], asctime.slice(3, 6));
  return undefined;
}

function fromNamedMonth(
  year: string | undefined,
  monthName: string | undefined,
  day: string | undefined,
  clock: readonly (string | undefined)[],
): number | undefined {
  const month = months.findIndex((name) => name === monthName) + 1;
  const [hour, minute, second] = clock.map(Number);
  return timeOf({
    year: Number(year),
    month,
    day: Number(day),
    hour: hour ?? 0,
    minute: minute ?? 0,
    second: second ?? 0,
    ms: 0,
  });
}

function fromDigits(groups: RegExpExecArray | null): number | undefined {
  if (groups === null) return undefined;
  const [year, month, day, hour, minute, second] = groups.slice(1, 7).map(Number);
  return timeOf({
    year: year ?? 0,
    month: month ?? 0,
    day: day ?? 0,
    hour: hour ?? 0,
    minute: minute ?? 0,
    second: second ?? 0,
    ms: Number((groups[7] ?? "").slice(0, 3).padEnd(3, "0")),
  });
}

/** Undefined for days and hours that do not exist; a leap second (:60) counts as the second before it. */
function timeOf(t: CivilTime): number | undefined {
  if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > daysInMonth(t.year, t.month)) return undefined;
  if (t.hour > 23 || t.minute > 59 || t.second > 60) return undefined;
  const second = Math.min(t.second, 59);
  return (
    daysFromCivil(t.year, t.month, t.day) * dayMs + ((t.hour * 60 + t.minute) * 60 + second) * 1000 + t.ms
  );
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Years begin in March here, so that the leap day is a year's last. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilTime(timeMs: number): CivilTime {
  assert(timeMs >= msMin && timeMs <= msMax, `time out of range: ${timeMs}`);
  const whole = Math.floor(timeMs);
  const days = Math.floor(whole / dayMs);
  const rest = whole - days * dayMs;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
    hour: Math.floor(rest / 3_600_000),
    minute: Math.floor(rest / 60_000) % 60,
    second: Math.floor(rest / 1000) % 60,
    ms: rest % 1000,
  };
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

const twoDigits: readonly string[] = Array.from({ length: 100 }, (_, value) =>
  String(value).padStart(2, "0"),
);

function pad(value: number, digits: number): string {
  return (digits === 2 ? twoDigits[value] : undefined) ?? String(value).padStart(digits, "0");
}
