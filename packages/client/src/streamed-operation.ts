import type { StreamOperation } from "@holdfast/base";

/** What a request does in terms of the stream: that it may travel there, as long as it is small. */
export interface StreamedOperation {
  readonly kind: StreamOperation;
  readonly bucket: string;
  readonly key: string;
}
