/** The OpenAPI 3.1 document, made from the operations themselves. */

import type { AnswerDocument, BodyDocument, Operation, ParameterDocument } from "./operation.ts";
import { schemas } from "./schemas.ts";

type Document = Readonly<Record<string, unknown>>;

const pathParameters: Readonly<Record<string, string>> = {
  bucket: "The bucket's name",
  node: "The node's id",
  key: "The file's key, percent-encoded; slashes stand as they are or as %2F",
};

export function openApiDocument(operations: readonly Operation[]): Document {
  const paths: Record<string, Record<string, Document>> = {};
  for (const operation of operations) {
    const methods = (paths[operation.path] ??= {});
    methods[operation.method.toLowerCase()] = operationDocument(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version: "1",
      description:
        "The native API. Every request is signed by AWS Signature Version 4 with the service `holdfast` and any region; " +
        "x-amz-content-sha256 is the body's SHA-256, or UNSIGNED-PAYLOAD over loopback. All x-holdfast- headers are signed.",
    },
    servers: [{ url: "/api/v1" }],
    security: [{ signature: [] }],
    paths,
    components: {
      schemas,
      responses: { Error: { description: "A failure", content: jsonContent("Error") } },
      securitySchemes: { signature: { type: "apiKey", in: "header", name: "authorization" } },
    },
  };
}

function operationDocument(operation: Operation): Document {
  const { document, operationId, path } = operation;
  const inPath = Object.entries(pathParameters)
    .filter(([name]) => path.includes(`{${name}}`))
    .map(([name, description]) => parameter("path", { name, description, required: true }));
  const inQuery = (document.query ?? []).map((each) => parameter("query", each));
  const inHeaders = (document.headers ?? []).map((each) => parameter("header", each));
  return {
    operationId,
    summary: document.summary,
    parameters: [...inPath, ...inQuery, ...inHeaders],
    ...(document.body === undefined ? {} : { requestBody: bodyDocument(document.body) }),
    responses: {
      [document.answer.status]: {
        description: document.answer.description,
        ...answerContent(document.answer),
      },
      default: { $ref: "#/components/responses/Error" },
    },
  };
}

function parameter(place: "path" | "query" | "header", document: ParameterDocument): Document {
  const { name, description, required = false } = document;
  return { name, in: place, description, required, schema: { type: "string" } };
}

function bodyDocument(body: BodyDocument): Document {
  if (body.kind === "bytes") return { content: bytesContent };
  return { required: body.required, content: jsonContent(body.schema) };
}

function answerContent(answer: AnswerDocument): Document {
  if (answer.kind === "none") return {};
  if (answer.kind === "bytes") return { content: bytesContent };
  const mediaType = answer.kind === "lines" ? "application/x-ndjson" : "application/json";
  return { content: jsonContent(answer.schema ?? "Error", mediaType) };
}

const bytesContent: Document = { "application/octet-stream": {} };

function jsonContent(schema: string, mediaType: string = "application/json"): Document {
  return { [mediaType]: { schema: { $ref: `#/components/schemas/${schema}` } } };
}
