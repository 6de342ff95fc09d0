/** Sizes, times and names as people read them. */

const units = ["KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** 1023 -> "1023 B", 1536 -> "1.5 KiB": three digits at most before the unit changes. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    // Up from 1023.5, rounding would print "1024".
    if (value < 1023.5) break;
    value /= 1024;
    unit = next;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

export function countText(count: number, one: string, many: string = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** "0:07", "12:30", "3:05:00". */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  const padded = (value: number): string => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

/** Local time to the second, as `ls -l --time-style=long-iso` with seconds. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  const padded = (value: number): string => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${padded(date.getMonth() + 1)}-${padded(date.getDate())}`;
  return `${day} ${padded(date.getHours())}:${padded(date.getMinutes())}:${padded(date.getSeconds())}`;
}

/** Keys may hold anything, also what moves a terminal's cursor: control characters are shown escaped. */
export function printable(name: string): string {
  return name.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, escaped);
}

function escaped(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Columns wide enough for their longest cell; the last one is not padded. Numbers stand right. */
export function table(rows: readonly (readonly (string | number)[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    });
  }
  return rows.map((row) =>
    row.map((cell, column) => padCell(cell, widths[column] ?? 0, column === row.length - 1)).join("  "),
  );
}

function padCell(cell: string | number, width: number, last: boolean): string {
  if (typeof cell === "number") return String(cell).padStart(width);
  return last ? cell : cell.padEnd(width);
}
