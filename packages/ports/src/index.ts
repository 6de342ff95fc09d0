export { BodyPump } from "./body-pump.ts";
export type { BodyQueueOptions } from "./body-queue.ts";
export { BodyQueue } from "./body-queue.ts";
export type { Clock, Timer } from "./clock.ts";
export { sleep, turn } from "./clock.ts";
export type {
  DirectoryLock,
  Disk,
  DiskErrorKind,
  DiskFile,
  DiskSpace,
  OpenMode,
  OpenOptions,
} from "./disk.ts";
export { DiskError, listIfPresent, readWhole, replaceWhole } from "./disk.ts";
export { folderOf, isDiskPath } from "./disk-path.ts";
export type { EndedExchange, ExchangeObserver } from "./exchange-observer.ts";
export { silentObserver } from "./exchange-observer.ts";
export type { BulkDigest, Digest, DigestAlgorithm, Hashing } from "./hashing.ts";
export type { HttpHandler, HttpResponse } from "./http.ts";
export type { Abortable, ByteStream, HttpRequest, RequestSummary } from "./http-request.ts";
export type { Journal, JournalFields } from "./journal.ts";
export { silentJournal } from "./journal.ts";
export type { KeyRange, KeyValue, KeyValuePair, KeyValueSnapshot, Mutation } from "./key-value.ts";
export { checkKey, keyBytesMax } from "./key-value.ts";
export { MemoryState } from "./memory-state.ts";
export type { MessageConnection, MessageConnectionEnd, MessageReceiver } from "./message-connection.ts";
export { allMetrics, metricList } from "./metric-registry.ts";
export type { HistogramReading, MetricLabels, SeriesReading } from "./metric-series.ts";
export { MetricSeries } from "./metric-series.ts";
export type {
  Counter,
  CounterMetric,
  GaugeMetric,
  Histogram,
  HistogramMetric,
  LabelsOf,
  Metric,
  Metrics,
  ReadValue,
} from "./metrics.ts";
export { histogramBuckets, silentMetrics } from "./metrics.ts";
export type { Exchange, Network, NetworkReceiver, Peer } from "./network.ts";
export {
  checkFrame,
  checkHead,
  emptyBody,
  exchangeHeadBytesMax,
  frameBytesMax,
  NetworkError,
} from "./network.ts";
export type { PageMemory } from "./page-memory.ts";
export { pageBytes } from "./page-memory.ts";
export type { Appended, CommittedEntry, ReplicatedLog, StateMachine } from "./replicated-log.ts";
export type { StateReader, StateWriter } from "./state.ts";
export { WriteBuffer } from "./write-buffer.ts";
