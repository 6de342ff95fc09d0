/** The register service, for benchmarks. */

export { freePorts } from "./nemesis/free-ports.ts";
export { RegisterCluster } from "./nemesis/register-cluster.ts";
export { RegisterConnection } from "./wire/register-connection.ts";
