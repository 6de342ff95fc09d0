/** XML out: strings joined with escaping, which is five times as fast as a builder (LIBRARIES.md). */

export const s3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
const special = /[&<>"'\p{Cc}\ufffe\uffff]/u;
const everySpecial = new RegExp(special, "gu");
export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** An element whose content is XML already. */
export function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

/** An element with text. */
export function leaf(name: string, value: string | number | boolean): string {
  return `<${name}>${typeof value === "string" ? escapeXml(value) : value}</${name}>`;
}

/** As leaf, and nothing without a value. */
export function optionalLeaf(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? "" : leaf(name, value);
}

export function xmlDocument(name: string, content: string): string {
  return `${xmlDeclaration}<${name} xmlns="${s3Namespace}">${content}</${name}>`;
}

/** Errors stand in no namespace. */
export function plainXmlDocument(name: string, content: string): string {
  return `${xmlDeclaration}<${name}>${content}</${name}>`;
}

/**
 * Control characters become character references, as S3 sends them: XML 1.0 has no place for most of them, which is
 * what `encoding-type=url` is for.
 */
export function escapeXml(text: string): string {
  return special.test(text) ? text.replaceAll(everySpecial, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  switch (character) {
    case "&":
      return "&amp;";
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    case '"':
      return "&quot;";
    case "'":
      return "&apos;";
    default:
      return `&#x${character.charCodeAt(0).toString(16)};`;
  }
}
