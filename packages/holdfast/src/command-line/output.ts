/** Where commands write: results to standard output, all else to standard error. */

import type { Explanation } from "./failure.ts";
import { explain } from "./failure.ts";
import { printable } from "./format.ts";

export interface Output {
  readonly json: boolean;
  /** Someone is watching: progress may be drawn on standard error. */
  readonly terminal: boolean;
  /** One line of result. Waits while the reader is slow, so that long listings stay small in memory. */
  line(text: string): Promise<void>;
  /** One result: a JSON line with --json, else the text. */
  result(value: unknown, text: string): Promise<void>;
  /** Bytes of a file, as they are. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** A line that is no result. */
  note(text: string): void;
  /** A failure of one part of the work, or of all of it. */
  failure(error: unknown, about?: string): void;
  /** Draws over the current line of the terminal; "" clears it. */
  status(text: string): void;
}

export interface OutputStreams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
}

export function openOutput(streams: OutputStreams, json: boolean): Output {
  const { stdout, stderr } = streams;
  let status = "";
  const aside = (text: string): void => {
    const redraw = status;
    if (redraw !== "") stderr.write(clearLine);
    stderr.write(`${text}\n`);
    if (redraw !== "") stderr.write(redraw);
  };
  const output: Output = {
    json,
    terminal: stderr.isTTY === true,
    line: (text) => write(stdout, `${text}\n`),
    result: (value, text) => write(stdout, json ? `${JSON.stringify(value)}\n` : `${text}\n`),
    bytes: (chunk) => write(stdout, chunk),
    note: aside,
    failure: (error, about) => aside(failureText(explain(error), json, about)),
    status: (whole) => {
      // A line that wraps could not be drawn over.
      const text = whole.slice(0, (stderr.columns ?? 80) - 1);
      if (text === status) return;
      status = text;
      stderr.write(`${clearLine}${text}`);
    },
  };
  return output;
}

const clearLine = "\r\u001b[K";

async function write(stream: NodeJS.WritableStream, data: string | Uint8Array): Promise<void> {
  if (stream.write(data)) return;
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("error", failed);
      resolve();
    };
    const failed = (error: Error): void => {
      stream.off("drain", done);
      reject(error);
    };
    stream.once("drain", done);
    stream.once("error", failed);
  });
}

export function failureText(explanation: Explanation, json: boolean, about?: string): string {
  const { code, message, next, retryable, outcome } = explanation;
  if (json) return JSON.stringify({ error: { code, message, about, next, retryable, outcome } });
  const subject = about === undefined ? "" : `${printable(about)}: `;
  const first = `holdfast: ${subject}${code}: ${printable(message)}`;
  return next === undefined ? first : `${first}\n  next: ${next}`;
}
