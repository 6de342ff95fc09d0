/** What commands print, and the one door to the real event loop. */

export const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Overwrites itself; only where somebody looks. */
export function sayWhere(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line} `);
}

export function clearLine(): void {
  if (process.stdout.isTTY) process.stdout.write("\r\u001b[K");
}
