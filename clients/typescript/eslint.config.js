import tseslint from "typescript-eslint";

export default tseslint.config(
    { ignores: ["build", "dist", "docs", "src/gen"] },
    {
        files: ["**/*.ts"],
        extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
        languageOptions: { parserOptions: { project: ["tsconfig.build.json", "tsconfig.json"] } },
        rules: {
            // Numbers in sentences are what sentences are for.
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
            // node:test returns promises that its runner awaits.
            "@typescript-eslint/no-floating-promises": [
                "error",
                {
                    allowForKnownSafeCalls: [
                        { from: "package", package: "node:test", name: ["test", "describe"] },
                    ],
                },
            ],
        },
    },
);
