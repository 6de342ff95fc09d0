/**
 * XML in, strict and small: no document type (so no entities beyond the five), no depth or number of elements beyond
 * what S3's documents have. The size in bytes is bounded by whoever read the body.
 */

import { SaxesParser } from "saxes";
import { S3Error } from "./s3-error.ts";

export interface XmlElement {
  /** Without prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children. */
  readonly text: string;
}

interface OpenElement {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

const depthMax = 8;
/** A Complete with 10,000 parts, each with a checksum, has 40,000. */
const elementsMax = 100_000;

/** Throws MalformedXML; the root must be named `rootName`. */
export function readXml(text: string, rootName: string): XmlElement {
  const tree = new TreeBuilder();
  try {
    const parser = new SaxesParser();
    parser.on("error", refuse);
    parser.on("doctype", refuse);
    parser.on("opentag", (tag) => tree.open(tag.name));
    parser.on("text", (piece) => tree.text(piece));
    parser.on("cdata", (piece) => tree.text(piece));
    parser.on("closetag", () => tree.close());
    parser.write(text).close();
  } catch (error) {
    throw error instanceof S3Error ? error : new S3Error("MalformedXML");
  }
  if (tree.root?.name !== rootName) throw new S3Error("MalformedXML");
  return tree.root;
}

function refuse(): never {
  throw new S3Error("MalformedXML");
}

class TreeBuilder {
  root: XmlElement | undefined;
  readonly #open: OpenElement[] = [];
  #elements = 0;

  open(name: string): void {
    if (this.#open.length >= depthMax || ++this.#elements > elementsMax) refuse();
    const opened: OpenElement = { name: name.slice(name.indexOf(":") + 1), children: [], text: "" };
    this.#open.at(-1)?.children.push(opened);
    this.#open.push(opened);
  }

  text(piece: string): void {
    const innermost = this.#open.at(-1);
    if (innermost !== undefined) innermost.text += piece;
  }

  close(): void {
    const closed = this.#open.pop();
    if (this.#open.length === 0) this.root = closed;
  }
}

/** The text of the only child of this name; undefined when there is none, MalformedXML when there are several. */
export function childText(parent: XmlElement, name: string): string | undefined {
  const found = parent.children.filter((child) => child.name === name);
  if (found.length > 1) refuse();
  return found[0]?.text;
}
