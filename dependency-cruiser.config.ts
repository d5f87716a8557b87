import type { IConfiguration } from "dependency-cruiser";
import { notFollowed, rules } from "./scripts/rooms/rules.ts";

// Which imports the sources of packages may have. `depcruise packages` checks it, as a part of `pnpm lint`.
export default {
  forbidden: rules,
  options: {
    // Type-only imports count.
    tsPreCompilationDeps: true,
    doNotFollow: { path: notFollowed },
    // Packages are not looked up: rules know them by the names they are imported by, whether built or not.
    enhancedResolveOptions: { exportsFields: [], mainFields: [] },
  },
} satisfies IConfiguration;
