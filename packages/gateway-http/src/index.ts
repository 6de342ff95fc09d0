export type { ErrorDocument } from "./error-answer.ts";
export type { HttpGatewayOptions } from "./gateway.ts";
export { createHttpGateway } from "./gateway.ts";
export type { ServerFacts } from "./server-facts.ts";
export type { TokenIssuer } from "./token-issuer.ts";
