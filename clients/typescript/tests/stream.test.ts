/** Many rows in messages: in order, with few of them in memory, over connections that break. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import {
    Client,
    DeadlineExceededError,
    InputError,
    InvalidArgumentError,
    type Prediction,
    type Rows,
} from "@linfa-serve/client";
import { PredictResponseSchema, type PredictRequest } from "@linfa-serve/client/pb";

import { askAgain, Fake, sums } from "./fake.js";

const ROWS = Array.from({ length: 10 }, (_, row) => [row, 100]);

async function* summed(requests: AsyncIterable<PredictRequest>) {
    for await (const request of requests) yield create(PredictResponseSchema, sums(request));
}

function values(answer: Prediction): number[] {
    assert.ok(answer.task === "regression");
    return [...answer.values.values];
}

async function all(answers: AsyncIterable<Prediction>): Promise<number[][]> {
    const collected = [];
    for await (const answer of answers) collected.push(values(answer));
    return collected;
}

test("rows are answered in order, message by message, and progress is told", async (t) => {
    const fake = await Fake.start(t, { predictStream: summed });
    const progress: unknown[] = [];
    const onProgress = (step: unknown) => progress.push(step);
    const stream = new Client(fake.address).predictStream("m", ROWS, { chunkRows: 4, onProgress });
    assert.deepEqual(await all(stream), [
        [100, 101, 102, 103],
        [104, 105, 106, 107],
        [108, 109],
    ]);
    assert.deepEqual(progress, [
        { rows: 4, total: 10 },
        { rows: 8, total: 10 },
        { rows: 10, total: 10 },
    ]);
});

test("each form of rows can be cut", async (t) => {
    const sizes: number[] = [];
    const fake = await Fake.start(t, {
        async *predictStream(requests) {
            for await (const { input } of requests) {
                const rows =
                    input.case === "frame"
                        ? input.value.columns.map(({ values, texts }) => values.length + texts.length)
                        : [2];
                sizes.push(...rows);
                yield create(PredictResponseSchema, {
                    model: { name: "m" },
                    prediction: {
                        case: "clustering",
                        value: { cluster: Array<number>(rows[0] ?? 0).fill(0) },
                    },
                });
            }
        },
    });
    const client = new Client(fake.address);
    const inputs: Rows[] = [
        { a: [1, 2, 3], b: ["x", "y", "z"] },
        { values: Float32Array.of(1, 2), columns: 1 },
    ];
    for (const rows of inputs) {
        for await (const answer of client.predictStream("m", rows, { chunkRows: 2 }))
            assert.ok(answer.rows <= 2);
    }
    assert.deepEqual(sizes, [2, 2, 1, 1, 2]);
});

test("no more is taken from an iterable than is needed, and an answer does not wait for the next rows", async (t) => {
    const fake = await Fake.start(t, { predictStream: summed });
    let given = 0;
    let answered = 0;
    async function* rows(): AsyncGenerator<Rows> {
        // Each piece is made from the answer before it: whoever wants it sooner waits for ever.
        while (given < 100) {
            assert.ok(given - answered <= 2, `${given} pieces for ${answered} answers`);
            given += 1;
            yield [[given]];
            await Promise.resolve();
        }
    }
    for await (const answer of new Client(fake.address).predictStream("m", rows())) {
        answered += 1;
        assert.deepEqual(values(answer), [answered]);
    }
    assert.deepEqual([given, answered], [100, 100]);
});

test("an answer is given out while the next rows are not there yet", async (t) => {
    const fake = await Fake.start(t, { predictStream: summed });
    const more = new EventTarget();
    async function* rows(): AsyncGenerator<Rows> {
        yield [[1]];
        await once(more, "rows");
        yield [[2]];
    }
    const stream = new Client(fake.address).predictStream("m", rows());
    const first = await stream.next();
    assert.deepEqual(first.done === true ? [] : values(first.value), [1]);
    more.dispatchEvent(new Event("rows"));
    assert.deepEqual(await all(stream), [[2]]);
});

test("a stream that breaks is taken up again with the first message that has no answer", async (t) => {
    let streams = 0;
    const fake = await Fake.start(t, {
        async *predictStream(requests) {
            streams += 1;
            let answered = 0;
            for await (const request of requests) {
                if (answered === 2) throw askAgain(Code.Unavailable, 1);
                answered += 1;
                yield create(PredictResponseSchema, sums(request));
            }
        },
    });
    const stream = new Client(fake.address, { retries: 1 }).predictStream("m", ROWS, { chunkRows: 1 });
    assert.deepEqual(
        await all(stream),
        ROWS.map(([row = 0]) => [row + 100]),
    );
    assert.equal(streams, 5);
});

test("a stream that the server ended because it stood still goes on in a new one", async (t) => {
    let streams = 0;
    const fake = await Fake.start(t, {
        async *predictStream(requests) {
            streams += 1;
            for await (const request of requests) {
                yield create(PredictResponseSchema, sums(request));
                if (streams === 1) throw new ConnectError("the client stood still", Code.DeadlineExceeded);
            }
        },
    });
    const stream = new Client(fake.address).predictStream("m", ROWS, { chunkRows: 5 });
    assert.deepEqual((await all(stream)).flat(), [100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    assert.equal(streams, 2);
});

test("the caller's own deadline ends a stream", async (t) => {
    const fake = await Fake.start(t, {
        async *predictStream() {
            await new Promise(() => undefined);
        },
    });
    const stream = new Client(fake.address).predictStream("m", ROWS, { deadlineMs: 100 });
    await assert.rejects(all(stream), DeadlineExceededError);
});

test("a bad message ends the stream with its status, after the answers before it", async (t) => {
    const fake = await Fake.start(t, {
        async *predictStream(requests) {
            let messages = 0;
            for await (const request of requests) {
                messages += 1;
                if (messages === 3) throw new ConnectError("row 0: no", Code.InvalidArgument);
                yield create(PredictResponseSchema, sums(request));
            }
        },
    });
    const seen: number[][] = [];
    const stream = new Client(fake.address).predictStream("m", ROWS, { chunkRows: 4 });
    await assert.rejects(async () => {
        for await (const answer of stream) seen.push(values(answer));
    }, InvalidArgumentError);
    assert.deepEqual(seen.flat(), [100, 101, 102, 103, 104, 105, 106, 107]);
});

test("bad rows from an iterable end the stream with what is wrong", async (t) => {
    const fake = await Fake.start(t, { predictStream: summed });
    async function* rows(): AsyncGenerator<Rows> {
        yield [[1]];
        await Promise.resolve();
        yield [[]];
    }
    await assert.rejects(all(new Client(fake.address).predictStream("m", rows())), InputError);
});

test("what an iterable throws comes out as it is", async (t) => {
    const fake = await Fake.start(t, { predictStream: summed });
    const fault = new Error("the file is torn");
    async function* rows(): AsyncGenerator<Rows> {
        yield [[1]];
        await Promise.resolve();
        throw fault;
    }
    await assert.rejects(
        all(new Client(fake.address).predictStream("m", rows())),
        (error) => error === fault,
    );
});

test("leaving the loop ends the call and the iterable", async (t) => {
    const events = new EventTarget();
    const fake = await Fake.start(t, {
        predictStream(requests, { signal }) {
            signal.addEventListener("abort", () => events.dispatchEvent(new Event("ended")));
            return summed(requests);
        },
    });
    let isClosed = false;
    async function* rows(): AsyncGenerator<Rows> {
        try {
            for (;;) {
                yield [[1]];
                await Promise.resolve();
            }
        } finally {
            isClosed = true;
        }
    }
    const ended = once(events, "ended");
    for await (const answer of new Client(fake.address).predictStream("m", rows())) {
        assert.deepEqual(values(answer), [1]);
        break;
    }
    await ended;
    assert.ok(isClosed);
});
