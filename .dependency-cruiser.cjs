// Imports point down. The tiers, lowest first; packages on one tier do not import each other.
const tiers = [
  ["base"],
  ["ports", "erasure", "linearizability"],
  ["consensus", "ring", "wal", "state", "blocks", "namespace"],
  ["shard", "groups"],
  ["node"],
  ["gateway-s3", "gateway-http", "host", "client"],
  ["simulator", "holdfast"],
];

// Each tier has one rule, because only its own packages and those above it are out of its reach.
const tierRules = tiers.map((packages, tier) => ({
  name: `tier-${tier}-imports-down`,
  comment:
    `A package of tier ${tier} (${packages.join(", ")}) may import packages of lower tiers only, never a sibling. ` +
    "Move the shared part down, or take it as an argument from whoever stands above both.",
  severity: "error",
  from: { path: `^packages/(${packages.join("|")})/` },
  to: { path: `^packages/(${tiers.slice(tier).flat().join("|")})/`, pathNot: "^packages/$1/" },
}));

const testFiles = "\\.test\\.ts$|^packages/ports/contract/|^packages/[^/]+/test-support/";
// The rest of the workspace: real processes, real input and output.
const outside = "^(bench|test)/";

module.exports = {
  forbidden: [
    ...tierRules,
    {
      name: "unknown-package",
      comment:
        "This package is in no tier. Add it to `tiers` in .dependency-cruiser.cjs, at the height it belongs.",
      severity: "error",
      from: { path: "^packages/", pathNot: `^packages/(${tiers.flat().join("|")})/` },
      to: {},
    },
    {
      name: "client-imports-base-alone",
      comment:
        "The client runs in browsers and stands alone: of this workspace it may import @holdfast/base, nothing else.",
      severity: "error",
      from: { path: "^packages/client/", pathNot: testFiles },
      to: { path: "^(packages|bench|test|scripts)/", pathNot: "^packages/(client|base)/" },
    },
    {
      name: "no-node-modules-of-node-in-pure-code",
      comment:
        "Only host and holdfast (and the simulator's command, the client's entry for Node, bench and test) may import node:*. " +
        "Everything else takes time, randomness, network and disk from a port of @holdfast/ports.",
      severity: "error",
      from: {
        path: "^packages/",
        pathNot: `^packages/(host|holdfast)/|^packages/simulator/src/(main\\.ts$|command/)|^packages/client/src/node[^/]*\\.ts$|${testFiles}`,
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "tests-of-pure-code-use-the-test-runner-only",
      comment:
        "Tests and contract suites outside host and holdfast may import node:test and node:assert, node:fs for golden files in " +
        "testdata, node:crypto and node:zlib as oracles; nothing else of Node: no real input or output.",
      severity: "error",
      from: { path: testFiles, pathNot: `^packages/(host|holdfast|simulator|client)/|${outside}` },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?(test|assert|fs|crypto|zlib)(/|$)" },
    },
    {
      name: "third-party-modules-belong-in-host-and-holdfast",
      comment:
        "Only host and holdfast (and the simulator's command, bench and test) may import third-party modules; the S3 " +
        "gateway may import the XML parser saxes, the client's entry for Node ws; tests may import fast-check. Put the module " +
        "behind a port and bind it in host.",
      severity: "error",
      from: {
        path: "^packages/",
        pathNot: `^packages/(host|holdfast)/|^packages/simulator/src/(main\\.ts$|command/)`,
      },
      to: {
        path: "(^|/)node_modules/",
        pathNot: "(^|/)node_modules/(@types/|saxes/|ws/|fast-check/)",
      },
    },
    {
      name: "web-sockets-in-host-and-client-for-node",
      comment:
        "ws serves WebSockets in host and opens them in the client's entry for Node; browsers bring their own.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/host/|^packages/client/src/node[^/]*\\.ts$" },
      to: { path: "(^|/)node_modules/(@types/)?ws/" },
    },
    {
      name: "saxes-in-gateways-only",
      comment:
        "The XML parser is there for the gateways (and for host and holdfast), which speak XML. Nothing else does.",
      severity: "error",
      from: { path: "^packages/", pathNot: "^packages/(gateway-[a-z0-9]+|host|holdfast)/" },
      to: { path: "(^|/)node_modules/saxes/" },
    },
    {
      name: "only-tests-import-test-code",
      comment:
        "Test files, contract suites and fast-check are development only: code that runs in production cannot depend on them.",
      severity: "error",
      from: { pathNot: `${testFiles}|${outside}` },
      to: { path: `${testFiles}|^@holdfast/ports/contract|(^|/)node_modules/fast-check/|^(node:)?test(/|$)` },
    },
    {
      name: "no-relative-import-of-another-package",
      comment:
        "Import another package by its name, never by a path into its folder: only its exports are its interface.",
      severity: "error",
      from: { path: "^(packages/[^/]+|bench|test/[^/]+)/" },
      to: { path: "^(packages/[^/]+|bench|test/[^/]+)/", pathNot: "^$1/", dependencyTypes: ["local"] },
    },
    {
      name: "no-inner-files-of-another-package",
      comment:
        "Import another package through its exports (its package.json lists them), never one of its inner files.",
      severity: "error",
      from: { path: "^(packages/[^/]+|bench|test/[^/]+)/" },
      to: {
        path: "^packages/[^/]+/",
        pathNot: [
          "^$1/",
          "^packages/[^/]+/src/index\\.ts$",
          "^packages/client/src/browser\\.ts$",
          "^packages/ports/src/simulated/index\\.ts$",
          "^packages/ports/contract/index\\.ts$",
        ],
      },
    },
    {
      name: "nothing-imports-the-outside",
      comment: "bench, test and scripts stand on top: no package imports them.",
      severity: "error",
      from: { path: "^packages/" },
      to: { path: "^(bench|test|scripts)/" },
    },
    {
      name: "declared-dependencies-only",
      comment: "Name this module in the `dependencies` of the package.json of the package that imports it.",
      severity: "error",
      from: { pathNot: `${testFiles}|${outside}` },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown", "npm-dev"], pathNot: "(^|/)node_modules/@types/" },
    },
    {
      name: "no-cycles",
      comment: "A cycle of imports: extract what both sides need into a file of its own.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment:
        "This import leads nowhere: a missing file, or a package that is not declared, not installed or does not export it.",
      severity: "error",
      // The launcher imports compiled code, which a fresh checkout does not have.
      from: { pathNot: "^packages/holdfast/bin/" },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: "(^|/)node_modules/" },
    exclude: { path: "^(packages/[^/]+|bench|test/[^/]+)/(dist|build)/|^bench/peers/" },
    tsPreCompilationDeps: true,
    moduleSystems: ["es6"],
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["holdfast-source", "import", "node", "default", "types"],
      extensions: [".ts", ".js", ".d.ts"],
    },
  },
};
