export type { ServerFacts } from "./cluster.ts";
export type { ErrorDocument } from "./error-answer.ts";
export type { HttpGatewayOptions } from "./gateway.ts";
export { createHttpGateway } from "./gateway.ts";
