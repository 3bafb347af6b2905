/** The README's first example and the long one, as they are, against a true server. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { promisify } from "node:util";

import { up } from "./up.js";

const BUILD = new URL("../", import.meta.url);

async function run(script: URL, ...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(script), ...words]);
    return stdout;
}

test("the README's first example prints a class", async (t) => {
    const { address, apiKeyFile } = await up(t);
    const readme = await readFile(new URL("../README.md", BUILD), "utf8");
    const [, example = ""] = /```ts\n(.*?)```/s.exec(readme) ?? [];
    const script = new URL("readme.mjs", BUILD);
    t.after(() => rm(script));
    const here = example
        .replace("http://127.0.0.1:50051", address)
        .replace("secrets/client_api_key", apiKeyFile);
    assert.ok(here.includes(address) && here.includes(apiKeyFile));
    await writeFile(script, here);
    assert.equal(await run(script), "iris 1 says setosa\n");
});

test("the long example tells of flowers", async (t) => {
    const { address, apiKeyFile } = await up(t);
    const said = await run(new URL("examples/iris.js", BUILD), address, apiKeyFile);
    assert.deepEqual(said.trimEnd().split("\n"), [
        "diabetes: 1 SERVING",
        "iris: 1 SERVING",
        "iris-clusters: 1 SERVING",
        "wine-above-6: 1 SERVING",
        "wine-quality: 1 SERVING",
        "sepal_length: 4.3 to 7.9 cm",
        "sepal_width: 2 to 4.4 cm",
        "petal_length: 1.1 to 6.7 cm",
        "petal_width: 0.1 to 2.5 cm",
        "flower 0 is setosa, 98 % sure",
        "flower 1 is versicolor, 83 % sure",
        "flower 2 is virginica, 99 % sure",
        "setosa: 0.00",
        "versicolor: 0.44",
        "virginica: 0.56",
        "here: row 1: expected 2 values as in row 0, got 1",
        "server: matrix.columns: expected 4 (sepal_length, sepal_width, petal_length, petal_width), got 2",
        "4000 of 10000",
        "8000 of 10000",
        "10000 of 10000",
        "3334 setosa, 3333 versicolor, 3333 virginica",
    ]);
});
