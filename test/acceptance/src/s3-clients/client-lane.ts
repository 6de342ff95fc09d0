/** What every client is put through, and what it needs for it. */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** The endpoint and what is to be stored. */
export interface Surroundings {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** A bucket that is not there yet; the client makes and removes it. */
  readonly bucket: string;
  /** A folder of small files, with names that are hard to encode. */
  readonly tree: string;
  /** A file that clients send in parts. */
  readonly large: string;
  /** An empty folder for what comes back. */
  readonly back: string;
  /** Fails unless folder or file are the same, byte for byte. */
  readonly same: (one: string, other: string) => Promise<void>;
  /** Fails unless the text has it. */
  readonly contains: (text: string, part: string) => void;
  /** Fails unless the URL answers with the bytes of the file. */
  readonly readable: (url: string, file: string) => Promise<void>;
}

export interface ClientLane {
  readonly name: string;
  /** Prints the client's version; a failure means that it is not installed. */
  readonly version: readonly [command: string, ...args: string[]];
  readonly howToInstall: string;
  /** In order; a step that fails ends the client's run. */
  readonly steps: (surroundings: Surroundings) => readonly Step[];
}

export interface Step {
  readonly does: string;
  readonly run: () => Promise<void>;
}

/** A part of the client that this step needs is missing; the message says how to install it. The other steps go on. */
export class NotInstalledError extends Error {
  override readonly name = "NotInstalledError";
}

export type Run = (...args: readonly string[]) => Promise<string>;

/** Runs the command with these arguments before its own; rejects with what it wrote when it fails. */
export function runner(
  command: string,
  environment: Readonly<Record<string, string>>,
  ...first: readonly string[]
): Run {
  return async (...args) => {
    const options = {
      env: { ...ownEnvironment(), ...environment },
      maxBuffer: 64 * 1024 ** 2,
      timeout: 120_000,
    };
    const { stdout } = await promisify(execFile)(command, [...first, ...args], options);
    return stdout;
  };
}

/** Without what the user has set for other S3 services. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|RCLONE_|MC_)/.test(name));
  return Object.fromEntries(kept);
}
