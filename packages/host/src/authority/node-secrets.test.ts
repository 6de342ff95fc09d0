import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import type { Clock } from "@holdfast/ports";
import { nodeA, nodeB } from "../../test-support/network-nodes.ts";
import { realClock } from "../clock.ts";
import { secureRandom } from "../random.ts";
import { CertificateError } from "./certificate-error.ts";
import { nodeCertificateValidMs } from "./cluster-authority.ts";
import { expiresAtMs } from "./node-credentials.ts";
import type { NodeSecrets, SecretsPlace } from "./node-secrets.ts";
import { checkSecrets, loadSecrets, openSecrets, renewIfDue, storeSecrets } from "./node-secrets.ts";

const clusterId = "cluster-1";

async function place(t: TestContext, changes: Partial<SecretsPlace> = {}): Promise<SecretsPlace> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-secrets-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return { folder, clusterId, node: nodeA, clock: realClock, random: secureRandom, ...changes };
}

const shifted = (byMs: number): Clock => ({ ...realClock, wallMs: () => realClock.wallMs() + byMs });

function assertSame(one: NodeSecrets | undefined, other: NodeSecrets): void {
  assert.ok(one !== undefined);
  for (const part of ["certificate", "key"] as const)
    assert.equal(one.authority[part].trim(), other.authority[part].trim());
  for (const part of ["certificate", "key", "authority"] as const)
    assert.equal(one.credentials[part].trim(), other.credentials[part].trim());
}

suite("secrets of a node", () => {
  test("a founder makes an authority and its own certificate once, in two files of its owner alone", async (t) => {
    const here = await place(t);
    assert.equal(await loadSecrets(here), undefined);
    const made = await openSecrets(here);
    checkSecrets(made, here);
    assertSame(await openSecrets(here), made);
    assertSame(await loadSecrets(here), made);
    assert.deepEqual((await readdir(here.folder)).toSorted(), ["authority.pem", "node.pem"]);
    for (const name of await readdir(here.folder))
      assert.equal((await stat(join(here.folder, name))).mode & 0o777, 0o600);
  });

  test("a crash between the two files is made good at the next start, with the same authority", async (t) => {
    const here = await place(t);
    const made = await openSecrets(here);
    for (const open of [openSecrets, loadSecrets]) {
      await rm(join(here.folder, "node.pem"));
      const finished = await open(here);
      assert.equal(finished?.authority.key.trim(), made.authority.key.trim());
      checkSecrets(finished, here);
      assertSame(await loadSecrets(here), finished);
    }
  });

  test("an authority that was taken away is not made anew: that would be another cluster", async (t) => {
    const here = await place(t);
    await openSecrets(here);
    await rename(join(here.folder, "authority.pem"), join(here.folder, "away"));
    for (const open of [openSecrets, loadSecrets])
      await assert.rejects(open(here), /authority\.pem is missing: copy it from another node/);
    assert.ok(!(await readdir(here.folder)).includes("authority.pem"));
  });

  test("a node that was let in stores what it was given, again as well", async (t) => {
    const given = await openSecrets(await place(t, { node: nodeB }));
    const here = await place(t, { node: nodeB });
    for (let i = 0; i < 2; i++) {
      await storeSecrets(here, given);
      assertSame(await loadSecrets(here), given);
    }
  });

  test("what is another node's, another cluster's, or does not belong together is refused", async (t) => {
    const here = await place(t);
    const made = await openSecrets(here);
    const other = await openSecrets(await place(t));
    const foreign = await openSecrets(await place(t, { clusterId: "another" }));
    for (const wrong of [
      { ...made, authority: foreign.authority },
      { ...made, authority: { ...made.authority, key: other.authority.key } },
      { ...made, authority: { ...made.authority, certificate: made.credentials.certificate } },
      { ...made, credentials: { ...made.credentials, authority: other.credentials.authority } },
      foreign,
    ]) {
      assert.throws(() => checkSecrets(wrong, here), CertificateError);
      await assert.rejects(storeSecrets(here, wrong), CertificateError);
    }
    assertSame(await loadSecrets(here), made);
    await assert.rejects(loadSecrets({ ...here, node: nodeB }), /this node is/);
    await assert.rejects(loadSecrets({ ...here, clusterId: "another" }), CertificateError);
    await chmod(join(here.folder, "authority.pem"), 0o644);
    await assert.rejects(loadSecrets(here), /chmod 600/);
  });
});

suite("renewal", () => {
  test("is due when less than a third of the certificate's life is left, and is stored", async (t) => {
    const here = await place(t);
    const made = await openSecrets(here);
    assert.equal(await renewIfDue(here, made), undefined);
    const early = { ...here, clock: shifted(nodeCertificateValidMs * 0.66) };
    assert.equal(await renewIfDue(early, made), undefined);
    const due = { ...here, clock: shifted(nodeCertificateValidMs * 0.67) };
    const renewed = await renewIfDue(due, made);
    assert.ok(renewed !== undefined && renewed.key !== made.credentials.key);
    assert.ok(expiresAtMs(renewed) > expiresAtMs(made.credentials) + nodeCertificateValidMs / 2);
    const secrets = { authority: made.authority, credentials: renewed };
    checkSecrets(secrets, here);
    assertSame(await loadSecrets(due), secrets);
    assert.equal(await renewIfDue(due, secrets), undefined);
  });

  test("a node that was off until its certificate had expired starts with a new one", async (t) => {
    const here = await place(t);
    const made = await openSecrets(here);
    const later = { ...here, clock: shifted(2 * nodeCertificateValidMs) };
    const loaded = await loadSecrets(later);
    assert.ok(loaded !== undefined && expiresAtMs(loaded.credentials) > later.clock.wallMs());
    assert.equal(loaded.credentials.authority.trim(), made.credentials.authority.trim());
  });
});
