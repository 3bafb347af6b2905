/** The package as it is published: what is in it, and that it works in a folder that has nothing else. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { create } from "@bufbuild/protobuf";

import { PredictResponseSchema } from "@linfa-serve/client/pb";

import { Fake, sums } from "./fake.js";

const PACKAGE = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

interface Packed {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
}

test("the packed package is small, has no tests, and works where it alone is installed", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "package-"));
    t.after(() => rm(folder, { recursive: true }));
    const { stdout } = await run("npm", ["pack", "--json", "--silent", "--pack-destination", folder], {
        cwd: PACKAGE,
    });
    const [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
    assert.ok(packed !== undefined);
    const others = packed.files
        .map(({ path }) => path)
        .filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path));
    assert.deepEqual(others.sort(), ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"]);

    const fresh = { name: "fresh", private: true, type: "module" };
    await writeFile(join(folder, "package.json"), JSON.stringify(fresh));
    await run(
        "npm",
        ["install", "--no-audit", "--no-fund", "--prefer-offline", join(folder, packed.filename)],
        { cwd: folder },
    );
    const fake = await Fake.start(t, { predict: (request) => create(PredictResponseSchema, sums(request)) });
    const script = `
        import { Client } from "@linfa-serve/client";
        import * as web from "@linfa-serve/client/web";
        const answer = await new Client("${fake.address}").predict("m", [[1, 2]]);
        console.log(answer.values.row(0)[0], typeof web.Client);
    `;
    await writeFile(join(folder, "script.js"), script);
    assert.equal((await run("node", ["script.js"], { cwd: folder })).stdout, "3 function\n");
});
