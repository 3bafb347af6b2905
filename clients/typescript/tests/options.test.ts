/** How a client is made, and how it is not. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";

import { create } from "@bufbuild/protobuf";

import { Client, OptionError, type NodeOptions } from "@linfa-serve/client";
import { PredictResponseSchema } from "@linfa-serve/client/pb";
import { Client as WebClient } from "@linfa-serve/client/web";

import { Fake, sums } from "./fake.js";

const ADDRESS = "http://127.0.0.1:1";

function refused(make: () => unknown, message: RegExp | string): void {
    assert.throws(make, (error) => {
        assert.ok(error instanceof OptionError, String(error));
        if (typeof message === "string") assert.equal(error.message, message);
        else assert.match(error.message, message);
        return true;
    });
}

test("an address that is no URL is refused", () => {
    for (const address of ["", "127.0.0.1:50051", "ftp://there", "http://"]) {
        const message = `address: expected a URL as in http://127.0.0.1:50051, got "${address}"`;
        refused(() => new Client(address), message);
        refused(() => new WebClient(address), message);
    }
    refused(() => new Client([]), "addresses: expected at least one, got none");
});

test("a text that is no key is refused without being repeated", () => {
    for (const apiKey of ["", "two words", "line\n", "clé"]) {
        const message = "apiKey: the key is empty or has characters that no key has";
        refused(() => new Client(ADDRESS, { apiKey }), message);
        refused(() => new WebClient(ADDRESS, { apiKey }), message);
    }
});

test("numbers that cannot be meant are refused", () => {
    const options: [NodeOptions, RegExp][] = [
        [{ deadlineMs: -1 }, /^deadlineMs: expected more than 0/],
        [{ retries: -1 }, /^retries: expected a whole number of at least 0, got -1$/],
        [{ retries: 0.5 }, /^retries: expected a whole number of at least 0, got 0.5$/],
        [{ apiKey: "a", apiKeyFile: "b" }, /^apiKeyFile: expected apiKey or apiKeyFile, got both$/],
        [
            { apiKeyFile: "/nowhere/key" },
            /^apiKeyFile: ENOENT: no such file or directory, open '\/nowhere\/key'$/,
        ],
    ];
    for (const [option, message] of options) refused(() => new Client(ADDRESS, option), message);
});

test("a key comes from a file, without the line's end", async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "key-"));
    t.after(() => rm(folder, { recursive: true }));
    const apiKeyFile = join(folder, "key");
    await writeFile(apiKeyFile, "lsk_from_a_file\n");
    let authorization: string | null = null;
    const fake = await Fake.start(t, {
        predict(request, context) {
            authorization = context.requestHeader.get("authorization");
            return create(PredictResponseSchema, sums(request));
        },
    });
    await new Client(fake.address, { apiKeyFile }).predict("m", [[1]]);
    assert.equal(authorization, "Bearer lsk_from_a_file");
});

test("nothing shows the key", async () => {
    const apiKey = "lsk_s3cret";
    const shown: unknown[] = [new WebClient(ADDRESS, { apiKey })];
    const client = new Client(ADDRESS, { apiKey, retries: 0 });
    shown.push(client, await client.predict("m", [[1]]).catch((error: unknown) => error));
    for (const thing of shown) {
        const text = inspect(thing, { depth: Infinity, showHidden: true }) + JSON.stringify(thing);
        assert.ok(!text.includes("s3cret"), text);
    }
});
