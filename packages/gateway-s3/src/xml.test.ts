import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { childText, readXml } from "./xml-reader.ts";
import { leaf, xmlDocument } from "./xml-writer.ts";

test("what was written reads back, whatever characters it has", () => {
  // XML 1.0 has no place for most control characters and for U+FFFE and U+FFFF; S3 writes them nevertheless.
  const unit = fc
    .oneof(
      fc.constantFrom("<", "&", ">", '"', "'", "]]>", "\r", "\n", "ü", "\u{1f600}"),
      fc.string({ unit: "binary", maxLength: 1 }),
    )
    .filter(
      (text) =>
        !/[\ufffe\uffff]/u.test(text) && !/\p{Cc}/u.test(text.replaceAll(/[\t\n\r\u007f-\u009f]/g, "")),
    );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const root = readXml(xmlDocument("Root", leaf("Key", text)), "Root");
      assert.equal(childText(root, "Key"), text);
    }),
  );
});

test("prefixes, comments and CDATA are understood", () => {
  const text =
    '<?xml version="1.0"?><!-- c --><s3:Delete xmlns:s3="x"><s3:Key><![CDATA[a<b]]>c</s3:Key></s3:Delete>';
  assert.equal(childText(readXml(text, "Delete"), "Key"), "a<bc");
});

test("document types, entities, depth, numbers of elements and broken documents are refused", () => {
  const refused = (text: string): void => {
    assert.throws(() => readXml(text, "R"), { name: "S3Error", code: "MalformedXML" }, text.slice(0, 80));
  };
  refused('<!DOCTYPE R [<!ENTITY a "aaaa">]><R>&a;</R>');
  refused("<!DOCTYPE R><R/>");
  refused("<R>&a;</R>");
  refused("<!DOCTYPE R [");
  refused("<R>".repeat(100_000));
  refused(`${"<R>".repeat(9)}${"</R>".repeat(9)}`);
  refused(`<R>${"<a/>".repeat(100_001)}</R>`);
  refused("<R><a></R>");
  refused("<R/><R/>");
  refused("<S/>");
  refused("");
  refused("{}");
  assert.throws(() => childText(readXml("<R><K>a</K><K>b</K></R>", "R"), "K"), { code: "MalformedXML" });
});

test("no text makes the reader throw anything but MalformedXML", () => {
  const piece = fc.constantFrom(
    "<R>",
    "</R>",
    "<a",
    ">",
    "/>",
    "&lt;",
    "&#x0;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "x",
  );
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: piece })), (text) => {
      try {
        readXml(text, "R");
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, "MalformedXML");
      }
    }),
    { numRuns: 500 },
  );
});
