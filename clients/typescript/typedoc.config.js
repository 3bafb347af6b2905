import { OptionDefaults } from "typedoc";

/** The API reference: every public item is documented, or it is a failure. */
export default {
    entryPoints: ["src/index.ts", "src/web.ts"],
    tsconfig: "tsconfig.build.json",
    out: "docs",
    // What protoc-gen-es says of each message.
    blockTags: [...OptionDefaults.blockTags, "@generated"],
    excludeTags: [...OptionDefaults.excludeTags, "@generated"],
    excludeInternal: true,
    excludePrivate: true,
    githubPages: false,
    treatWarningsAsErrors: true,
    validation: { notDocumented: true, notExported: true, invalidLink: true },
};
