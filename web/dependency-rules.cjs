// app → features → parts → ui → base, never upward; features import only features below them in this list.
const FEATURES = [
  "access",
  "taxa",
  "providers",
  "projects",
  "locations",
  "deployments",
  "resources",
  "observations",
  "occurrences",
  "jobs",
  "fleet",
  "statistics",
  "classifications",
  "uploads",
  "reviews",
  "settings",
];
const LAYERS = ["base", "ui", "parts", "features", "app"];

const upward = LAYERS.slice(0, -1).map((layer, index) => ({
  name: `${layer}-imports-only-below`,
  severity: "error",
  from: { path: `^src/${layer}/` },
  to: { path: `^src/(${LAYERS.slice(index + 1).join("|")})/` },
}));
const features = FEATURES.slice(0, -1).map((feature, index) => ({
  name: `${feature}-imports-features-below`,
  severity: "error",
  from: { path: `^src/features/${feature}/` },
  to: { path: `^src/features/(${FEATURES.slice(index + 1).join("|")})/` },
}));

module.exports = {
  forbidden: [
    ...upward,
    ...features,
    { name: "no-cycle", severity: "error", from: {}, to: { circular: true } },
    { name: "no-unresolved", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "feature-is-listed",
      severity: "error",
      from: {},
      to: { path: "^src/features/", pathNot: `^src/features/(${FEATURES.join("|")})/` },
    },
    {
      name: "aria-only-in-ui",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/ui/" },
      to: { path: "react-aria-components" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    exclude: { path: "schema\\.ts$" },
  },
};
