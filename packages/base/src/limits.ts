/** Named limits of everything that input could grow, in one place. */

export const KiB: number = 1024;
export const MiB: number = 1024 * KiB;
export const GiB: number = 1024 * MiB;
export const TiB: number = 1024 * GiB;

interface Limits {
  readonly keyBytesMax: number;
  readonly bodyBytesMax: number;
  readonly fileBytesMax: number;
  readonly partBytesMin: number;
  readonly partNumberMax: number;
  readonly userMetadataBytesMax: number;
  readonly keysPerRequestMax: number;
  readonly inlineBytesMax: number;
  readonly blockBytesDefault: number;
  readonly blockBytesMax: number;
  readonly documentBytesMax: number;
  readonly resultsPerWriterMax: number;
  readonly commandBytesMax: number;
  readonly shardsDefault: number;
  readonly shardsMax: number;
}

export const limits: Limits = {
  /** UTF-8 bytes of a file's key (S3). */
  keyBytesMax: 1024,
  /** A single PUT or part (S3). */
  bodyBytesMax: 5 * GiB,
  fileBytesMax: 5 * TiB,
  /** Every part but the last (S3). */
  partBytesMin: 5 * MiB,
  partNumberMax: 10_000,
  /** Names and values of user metadata together (S3). */
  userMetadataBytesMax: 2 * KiB,
  /** Keys of one DeleteObjects request and entries of one listing page (S3). */
  keysPerRequestMax: 1000,
  /** Larger contents go to volumes; smaller ones travel in the log entry (PERFORMANCE: inline wins to 16 KiB). */
  inlineBytesMax: 16 * KiB,
  blockBytesDefault: 1 * MiB,
  blockBytesMax: 16 * MiB,
  /** XML and JSON documents in requests. */
  documentBytesMax: 2 * MiB,
  /** Results that a writer may leave unacknowledged (SAFETY.md S15). */
  resultsPerWriterMax: 1024,
  /** One command in the log: a Complete with 10,000 parts fits. */
  commandBytesMax: 4 * MiB,
  shardsDefault: 16,
  shardsMax: 4096,
};
