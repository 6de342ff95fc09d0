/** A program that uses a stream and does not close its store: it ends all the same. */

import { connect } from "@holdfast/client";

const store = await connect({
  endpoint: process.argv[2] ?? "",
  accessKey: "test",
  secretKey: "test-secret",
});
for (let round = 0; round < 10; round++)
  await Promise.all(Array.from({ length: 20 }, (_, i) => store.storeFile(`bucket/k${i}`, "x")));
