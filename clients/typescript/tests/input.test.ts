/** What is refused before anything is sent, in which words. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, InputError, OptionError, type PredictOptions, type Rows } from "@linfa-serve/client";

import { nobody } from "./fake.js";

/** Each kind of bad rows, as a caller without a type checker may pass them, with what is said of it. */
const REFUSED: [unknown, string][] = [
    [
        undefined,
        "expected an array of rows, { values, columns } or a record of columns by name, got undefined",
    ],
    [null, "expected an array of rows, { values, columns } or a record of columns by name, got null"],
    ["1,2", "expected an array of rows, { values, columns } or a record of columns by name, got a string"],
    [
        Float64Array.of(1),
        "expected an array of rows, { values, columns } or a record of columns by name, got an object of Float64Array",
    ],
    [[], "expected at least one row, got none"],
    [[1, 2], "row 0: expected an array of numbers, so one row is [[…]], got a number"],
    [[[]], "row 0: expected an array of at least one number, got an empty array"],
    [[{ a: 1 }], "row 0: expected an array of at least one number, got an object of Object"],
    [[[1, 2], [3]], "row 1: expected 2 values as in row 0, got 1"],
    [[[1], null], "row 1: expected an array of 1 numbers, got null"],
    [[[1, "2"]], "row 0, column 1: expected a number, got a string"],
    [[[1, 2n]], "row 0, column 1: expected a number, got a bigint"],
    [[[true]], "row 0, column 0: expected a number, got a boolean"],
    [[[new Date(0)]], "row 0, column 0: expected a number, got an object of Date"],
    [[[1], [null]], "row 1, column 0: expected a number (NaN for a gap that the model fills), got null"],
    [
        [[1], Array(1)],
        "row 1, column 0: expected a number (NaN for a gap that the model fills), got undefined",
    ],
    [{}, "expected at least one column, got none"],
    [{ a: [] }, "expected at least one row, got none"],
    [{ a: 1 }, "column `a`: expected an array of numbers or of strings, got a number"],
    [{ a: "text" }, "column `a`: expected an array of numbers or of strings, got a string"],
    [{ a: [1], b: [1, 2] }, "column `b`: expected 1 values as in `a`, got 2"],
    [{ a: [1, "x"] }, "row 1, column `a`: expected a number, got a string"],
    [{ a: ["x", 1] }, "row 1, column `a`: expected a string as in row 0, got a number"],
    [
        { a: ["x", null] },
        "row 1, column `a`: expected a string as in row 0 (an empty one for a gap that the model fills), got null",
    ],
    [{ a: [new Date(0)] }, "row 0, column `a`: expected a number, got an object of Date"],
    [{ a: BigInt64Array.of(1n) }, "row 0, column `a`: expected a number, got a bigint"],
    [{ values: Float64Array.of(1, 2, 3), columns: 2 }, "expected rows of 2 values, got 3 values"],
    [{ values: Float64Array.of(), columns: 2 }, "expected at least one row, got none"],
    [
        { values: Float64Array.of(1), columns: 0 },
        "expected columns to be a whole number of at least 1, got 0",
    ],
    [
        { values: Float64Array.of(1), columns: 1.5 },
        "expected columns to be a whole number of at least 1, got 1.5",
    ],
    [
        { values: [1, 2], columns: 2 },
        "expected values to be a Float64Array or Float32Array, got an object of Array",
    ],
    [
        { values: Float64Array.of(1), columns: 1, rows: 1 },
        "expected values and columns alone, got `rows` too",
    ],
];

test("rows that no model can take are refused before anything is sent, and the words say what to do", async (t) => {
    // Whatever is sent comes back as UnavailableError.
    const client = new Client(await nobody(t), { retries: 0 });
    for (const [rows, message] of REFUSED) {
        const refused = (error: unknown) => {
            assert.ok(error instanceof InputError, String(error));
            assert.equal(error.message, message);
            return true;
        };
        await assert.rejects(client.predict("m", rows as Rows), refused);
        await assert.rejects(client.predictStream("m", rows as Rows).next(), refused);
    }
});

test("a refusal has the place and what is wrong as fields", async (t) => {
    const client = new Client(await nobody(t), { retries: 0 });
    const rows = { age: [1, 2, "three"] } as unknown as Rows;
    await assert.rejects(client.predict("m", rows), {
        row: 2,
        column: "age",
        expected: "a number",
        got: "a string",
    });
});

test("a call that cannot be meant is refused before anything is sent", async (t) => {
    const client = new Client(await nobody(t), { retries: 0 });
    const refused: [PredictOptions, string][] = [
        [{ version: 1, label: "stable" }, "label: expected a version or a label, got both"],
        [{ label: "" }, "label: expected a name, got an empty one"],
        [{ version: 0 }, "version: expected a whole number of at least 1, got 0"],
        [{ version: 2 ** 53 }, "version: expected a whole number of at least 1, got 9007199254740992"],
        [{ version: -1n }, "version: expected a version from 1, got -1"],
        [{ deadlineMs: 0 }, "deadlineMs: expected more than 0 and at most 99999999 milliseconds, got 0"],
        [
            { deadlineMs: Number.NaN },
            "deadlineMs: expected more than 0 and at most 99999999 milliseconds, got NaN",
        ],
        [
            { deadlineMs: 1e8 },
            "deadlineMs: expected more than 0 and at most 99999999 milliseconds, got 100000000",
        ],
    ];
    for (const [options, message] of refused) {
        await assert.rejects(client.predict("m", [[1]], options), (error) => {
            assert.ok(error instanceof OptionError, String(error));
            assert.equal(error.message, message);
            return true;
        });
    }
    const noRows = client.predictStream("m", [[1]], { chunkRows: 0 }).next();
    await assert.rejects(noRows, { name: "OptionError", option: "chunkRows" });
});
