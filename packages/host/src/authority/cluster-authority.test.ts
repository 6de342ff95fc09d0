import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import { nodeId } from "@holdfast/base";
import { credentialsFor, makeAuthority, nodeA, nodeB } from "../../test-support/network-nodes.ts";
import { realClock } from "../clock.ts";
import { secureRandom } from "../random.ts";
import { CertificateError } from "./certificate-error.ts";
import { ClusterAuthority, createAuthority, nodeCertificateValidMs } from "./cluster-authority.ts";
import { requestCertificate } from "./node-credentials.ts";
import { nodeUri, parseNodeName } from "./node-name.ts";

const context = { clock: realClock, random: secureRandom };

suite("cluster authority", () => {
  test("a certificate names its node, is signed by the authority, and serves both sides of a connection", async () => {
    const authority = await makeAuthority("cluster-7");
    const { request } = await requestCertificate(nodeA);
    const certificate = new X509Certificate(await authority.sign(request, nodeA));
    const issuer = new X509Certificate(authority.certificate);
    assert.ok(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
    assert.ok(issuer.ca && !certificate.ca);
    assert.equal(issuer.subject, "CN=Holdfast cluster cluster-7");
    assert.deepEqual(parseNodeName(certificate.subjectAltName), { clusterId: "cluster-7", node: nodeA });
    assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    const validMs = Date.parse(certificate.validTo) - Date.now();
    assert.ok(Math.abs(validMs - nodeCertificateValidMs) < 60_000);
    assert.ok(Date.parse(certificate.validFrom) < Date.now() - 1000);
  });

  test("two certificates differ in their serial numbers", async () => {
    const authority = await makeAuthority();
    const { request } = await requestCertificate(nodeA);
    const [first, second] = [await authority.sign(request, nodeA), await authority.sign(request, nodeA)];
    assert.notEqual(new X509Certificate(first).serialNumber, new X509Certificate(second).serialNumber);
  });

  test("the name comes from who asks the authority, not from the request", async () => {
    const authority = await makeAuthority();
    const { request } = await requestCertificate(nodeA);
    const certificate = new X509Certificate(await authority.sign(request, nodeB));
    assert.equal(parseNodeName(certificate.subjectAltName)?.node, nodeB);
    assert.equal(certificate.subject, `CN=Holdfast node ${nodeB}`);
  });

  test("a request that its key did not sign, or that is none, is refused", async () => {
    const authority = await makeAuthority();
    const { request } = await requestCertificate(nodeA);
    const lines = request.trim().split("\n");
    const bytes = Buffer.from(lines.slice(1, -1).join(""), "base64");
    // The last bytes are the signature's.
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    const forged = [lines[0], bytes.toString("base64"), lines.at(-1)].join("\n");
    for (const bad of [
      forged,
      "",
      authority.certificate,
      "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
    ])
      await assert.rejects(authority.sign(bad, nodeA), CertificateError);
  });

  test("a malformed cluster id or node id never gets into a certificate", async () => {
    for (const id of ["", "a/b", "a,CN=b", "x".repeat(65), "a b"])
      await assert.rejects(createAuthority(id, context), CertificateError);
    const authority = await makeAuthority();
    const { request } = await requestCertificate(nodeA);
    await assert.rejects(authority.sign(request, nodeId("A/../x")), CertificateError);
  });

  test("an authority that was stored is opened again; a node's certificate and a foreign key are none", async () => {
    const stored = await createAuthority("cluster-7", context);
    assert.equal((await ClusterAuthority.open(stored, context)).clusterId, "cluster-7");
    const node = await credentialsFor(await ClusterAuthority.open(stored, context), nodeA);
    await assert.rejects(ClusterAuthority.open(node, context), CertificateError);
    await assert.rejects(
      ClusterAuthority.open({ ...stored, key: node.certificate }, context),
      CertificateError,
    );
  });
});

suite("node names", () => {
  test("a name is read back; several names, other names and near misses are none", () => {
    const name = { clusterId: "C-1", node: nodeA };
    assert.equal(nodeUri(name), `holdfast://C-1/node/${nodeA}`);
    assert.deepEqual(parseNodeName(`URI:${nodeUri(name)}`), name);
    for (const bad of [
      undefined,
      "",
      `DNS:${nodeUri(name)}`,
      `URI:${nodeUri(name)}, URI:${nodeUri({ ...name, node: nodeB })}`,
      `URI:${nodeUri(name)}/`,
      `URI:holdfast://C 1/node/${nodeA}`,
      "URI:holdfast://C-1/node/AAAAAAAAAAAAAAAA",
    ])
      assert.equal(parseNodeName(bad), undefined);
  });
});
