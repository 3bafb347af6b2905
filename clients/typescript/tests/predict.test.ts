/** What is sent for each form of rows, and what becomes of each kind of answer. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { create, type MessageInitShape } from "@bufbuild/protobuf";

import { Client, MalformedAnswerError, type PredictOptions, type Rows } from "@linfa-serve/client";
import { PredictResponseSchema, type PredictRequest } from "@linfa-serve/client/pb";

import { Fake, regression, rowsOf, sums } from "./fake.js";

type Response = MessageInitShape<typeof PredictResponseSchema>;
const MODEL = { name: "m", version: 7n, digest: "sha256:0" };

/** The request that a call sends. */
async function sent(
    t: TestContext,
    rows: Rows,
    count: number,
    options?: PredictOptions,
): Promise<PredictRequest> {
    const requests: PredictRequest[] = [];
    const fake = await Fake.start(t, {
        predict(request) {
            requests.push(request);
            return create(PredictResponseSchema, regression(Array<number>(count).fill(0)));
        },
    });
    await new Client(fake.address).predict("m", rows, options);
    const [request] = requests;
    assert.ok(request !== undefined && requests.length === 1);
    return request;
}

async function answered(t: TestContext, response: Response, rows = 1) {
    const fake = await Fake.start(t, { predict: () => create(PredictResponseSchema, response) });
    return new Client(fake.address).predict("m", Array<number[]>(rows).fill([0]));
}

test("rows by position go as 64-bit floats, each row after the one before", async (t) => {
    const rows = [
        [1, 2.5],
        [-0, Number.NaN],
        [1e-300, Number.MAX_VALUE],
    ];
    assert.deepEqual(rowsOf(await sent(t, rows, 3)), rows);
});

test("a view of 64-bit floats goes as the bytes that it shows and no others", async (t) => {
    const values = Float64Array.of(9, 1, 2, 3, 4, 9).subarray(1, 5);
    const request = await sent(t, { values, columns: 2 }, 2);
    assert.deepEqual(rowsOf(request), [
        [1, 2],
        [3, 4],
    ]);
});

test("32-bit floats go as they are", async (t) => {
    const request = await sent(t, { values: Float32Array.of(0.1, 0.2), columns: 1 }, 2);
    assert.ok(request.input.case === "matrix");
    assert.deepEqual([...request.input.value.f32Le], [0xcd, 0xcc, 0xcc, 0x3d, 0xcd, 0xcc, 0x4c, 0x3e]);
    assert.equal(request.input.value.columns, 1);
});

test("columns go by name, numbers as values and strings as texts", async (t) => {
    const rows = {
        b: [1, 2],
        a: ["x", ""],
        c: Int32Array.of(-3, 4),
        columns: [5, 6],
        values: Float32Array.of(0.5, 7),
    };
    const request = await sent(t, rows, 2);
    assert.ok(request.input.case === "frame");
    assert.deepEqual(
        request.input.value.columns.map(({ name, values, texts }) => ({ name, values, texts })),
        [
            { name: "b", values: [1, 2], texts: [] },
            { name: "a", values: [], texts: ["x", ""] },
            { name: "c", values: [-3, 4], texts: [] },
            { name: "columns", values: [5, 6], texts: [] },
            { name: "values", values: [0.5, 7], texts: [] },
        ],
    );
});

test("a version or a label goes with the model's name", async (t) => {
    const { model, choice } = await sent(t, [[0]], 1, { version: 3 });
    assert.deepEqual([model, choice], ["m", { case: "version", value: 3n }]);
    const huge = await sent(t, [[0]], 1, { version: 2n ** 60n });
    assert.deepEqual(huge.choice, { case: "version", value: 2n ** 60n });
    const labelled = await sent(t, [[0]], 1, { label: "stable" });
    assert.deepEqual(labelled.choice, { case: "label", value: "stable" });
    assert.deepEqual((await sent(t, [[0]], 1)).choice, { case: undefined });
});

test("the deadline and the key go with a call", async (t) => {
    let headers = new Headers();
    const fake = await Fake.start(t, {
        predict(request, context) {
            headers = context.requestHeader;
            return create(PredictResponseSchema, sums(request));
        },
    });
    await new Client(fake.address, { apiKey: "lsk_secret", deadlineMs: 60_000 }).predict("m", [[1]]);
    assert.equal(headers.get("authorization"), "Bearer lsk_secret");
    assert.match(headers.get("grpc-timeout") ?? "", /^(60000|59\d{3})m$/);
});

test("classes come by name, with a row of probabilities each", async (t) => {
    const value = { labels: ["b", "a"], classes: ["a", "b"], probabilities: [0.25, 0.75, 1, 0] };
    const answer = await answered(t, { model: MODEL, prediction: { case: "classification", value } }, 2);
    assert.ok(answer.task === "classification");
    assert.deepEqual(answer.model, MODEL);
    assert.deepEqual([answer.rows, answer.labels, answer.classes], [2, ["b", "a"], ["a", "b"]]);
    assert.deepEqual(answer.probabilities?.row(0), Float64Array.of(0.25, 0.75));
    assert.deepEqual(answer.probabilities.column("b"), Float64Array.of(0.75, 0));
});

test("a classifier without probabilities has none", async (t) => {
    const value = { labels: ["a"], classes: ["a", "b"] };
    const answer = await answered(t, { model: MODEL, prediction: { case: "classification", value } });
    assert.ok(answer.task === "classification");
    assert.equal(answer.probabilities, undefined);
});

test("several targets are columns", async (t) => {
    const value = { values: [1, 2, 3, 4], targets: ["x", "y"] };
    const answer = await answered(t, { model: MODEL, prediction: { case: "regression", value } }, 2);
    assert.ok(answer.task === "regression");
    assert.deepEqual(answer.values.column("y"), Float64Array.of(2, 4));
    assert.throws(() => answer.values.column("z"), RangeError);
    assert.throws(() => answer.values.row(2), RangeError);
});

test("clusters come with the distance to each", async (t) => {
    const value = { cluster: [1], distances: [3, 0.5] };
    const answer = await answered(t, { model: MODEL, prediction: { case: "clustering", value } });
    assert.ok(answer.task === "clustering");
    assert.deepEqual(answer.clusters, Uint32Array.of(1));
    assert.deepEqual(answer.distances?.column("1"), Float64Array.of(0.5));
});

test("a mixture's clusters come with the probability of each", async (t) => {
    const value = { cluster: [1], probabilities: [0.25, 0.75] };
    const answer = await answered(t, { model: MODEL, prediction: { case: "clustering", value } });
    assert.ok(answer.task === "clustering");
    assert.equal(answer.distances, undefined);
    assert.deepEqual(answer.probabilities?.column("1"), Float64Array.of(0.75));
});

test("transformed rows come with the names of their columns", async (t) => {
    const value = { values: [0.5, -1], names: ["p0", "p1"] };
    const answer = await answered(t, { model: MODEL, prediction: { case: "transformation", value } });
    assert.ok(answer.task === "transformation");
    assert.deepEqual(
        [answer.values.columns, [...answer.values.values]],
        [
            ["p0", "p1"],
            [0.5, -1],
        ],
    );
});

test("an answer that does not fit the rows that were sent is no answer", async (t) => {
    const two = { values: [1, 2], targets: ["x"] };
    const responses: Response[] = [
        {},
        { model: MODEL },
        { prediction: { case: "regression", value: two } },
        { model: MODEL, prediction: { case: "regression", value: two } },
        { model: MODEL, prediction: { case: "transformation", value: { values: [1, 2], names: ["x"] } } },
        {
            model: MODEL,
            prediction: { case: "classification", value: { labels: ["a", "a"], classes: ["a"] } },
        },
        { model: MODEL, prediction: { case: "clustering", value: { cluster: [] } } },
    ];
    for (const response of responses) await assert.rejects(answered(t, response), MalformedAnswerError);
});
