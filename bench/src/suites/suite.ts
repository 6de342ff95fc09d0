import type { Row } from "../report.ts";

/** What the command line may say about the suites with many files. */
export interface SuiteOptions {
  /** Files of the large population. */
  readonly files: number;
  /** Length of each of them. */
  readonly fileBytes: number;
}

export type Suite = (options: SuiteOptions) => Promise<readonly Row[]>;
