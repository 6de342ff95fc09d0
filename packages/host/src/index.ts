export { CertificateError } from "./authority/certificate-error.ts";
export type { AuthorityContext, StoredAuthority } from "./authority/cluster-authority.ts";
export {
  authorityValidMs,
  ClusterAuthority,
  createAuthority,
  nodeCertificateValidMs,
} from "./authority/cluster-authority.ts";
export { certificateFingerprint } from "./authority/fingerprint.ts";
export type { CertificateRequest, NodeCredentials } from "./authority/node-credentials.ts";
export { expiresAtMs, requestCertificate } from "./authority/node-credentials.ts";
export type { NodeSecrets, SecretsPlace } from "./authority/node-secrets.ts";
export { loadSecrets, openSecrets, renewIfDue, storeSecrets } from "./authority/node-secrets.ts";
export { loadAuthority, loadCredentials, saveAuthority, saveCredentials } from "./authority/secret-files.ts";
export { realClock } from "./clock.ts";
export { connectionsWithin, descriptorLimit, descriptorLimitMin } from "./descriptors.ts";
export { openDisk } from "./disk.ts";
export { nodeHashing } from "./hashing.ts";
export type { HttpLimits } from "./http/limits.ts";
export { defaultHttpLimits } from "./http/limits.ts";
export type { HttpListener, ListenHttpOptions } from "./http/listen-http.ts";
export { listenHttp } from "./http/listen-http.ts";
export type { RequestLogOptions } from "./http/request-log.ts";
export { RequestLog } from "./http/request-log.ts";
export type { AcceptedJoin, AskToJoinOptions } from "./join/ask-to-join.ts";
export { askToJoin } from "./join/ask-to-join.ts";
export type {
  JoinAcceptance,
  JoinAnswer,
  JoinPurpose,
  JoinRefusal,
  JoinRequest,
} from "./join/join-message.ts";
export type { JoinHandler } from "./join/join-server.ts";
export type { JoinToken } from "./join/join-token.ts";
export { createJoinToken, newJoinSecret, parseJoinToken, tokenDigest } from "./join/join-token.ts";
export type { PinoJournalOptions } from "./journal.ts";
export { pinoJournal } from "./journal.ts";
export type { KeyValueOptions } from "./key-value.ts";
export { openKeyValue } from "./key-value.ts";
export type { MetricsPage, PrometheusMetrics } from "./metrics/prometheus-metrics.ts";
export { prometheusMetrics } from "./metrics/prometheus-metrics.ts";
export type { HostNetwork, OpenNetworkOptions } from "./network/host-network.ts";
export { openNetwork } from "./network/host-network.ts";
export type { NetworkLimits } from "./network/limits.ts";
export { defaultNetworkLimits } from "./network/limits.ts";
export { secureRandom } from "./random.ts";
