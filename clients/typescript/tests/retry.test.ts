/** When a call is tried again, and when it is not; and calls over several addresses. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import {
    Client,
    DeadlineExceededError,
    InvalidArgumentError,
    ResourceExhaustedError,
    UnavailableError,
} from "@linfa-serve/client";
import { PredictResponseSchema } from "@linfa-serve/client/pb";

import { askAgain, Fake, nobody, sums } from "./fake.js";

/** A server that fails so often before it answers, and when it was called, in milliseconds. */
async function failing(
    t: TestContext,
    failures: ConnectError[],
): Promise<{ address: string; calls: number[] }> {
    const calls: number[] = [];
    const fake = await Fake.start(t, {
        predict(request) {
            const failure = failures[calls.length];
            calls.push(performance.now());
            if (failure !== undefined) throw failure;
            return create(PredictResponseSchema, sums(request));
        },
    });
    return { address: fake.address, calls };
}

async function total(client: Client): Promise<number | undefined> {
    const answer = await client.predict("m", [[1, 2]]);
    assert.ok(answer.task === "regression");
    return answer.values.values[0];
}

test("a refusal is tried again, no sooner than the server asks", async (t) => {
    for (const code of [Code.Unavailable, Code.ResourceExhausted]) {
        const { address, calls } = await failing(t, [askAgain(code, 200), askAgain(code, 20)]);
        assert.equal(await total(new Client(address)), 3);
        const [first = 0, second = 0, third = 0] = calls;
        assert.equal(calls.length, 3);
        assert.ok(
            second - first >= 199 && third - second >= 19,
            `${second - first} ms and ${third - second} ms`,
        );
    }
});

test("no other status is tried again", async (t) => {
    const invalid = await failing(t, [new ConnectError("no", Code.InvalidArgument)]);
    await assert.rejects(total(new Client(invalid.address)), InvalidArgumentError);
    // A message that is too large stays too large: without a time to wait, it is no use.
    const large = await failing(t, [new ConnectError("too large", Code.ResourceExhausted)]);
    await assert.rejects(total(new Client(large.address)), ResourceExhaustedError);
    const late = await failing(t, [new ConnectError("late", Code.DeadlineExceeded)]);
    await assert.rejects(total(new Client(late.address)), DeadlineExceededError);
    assert.deepEqual(
        [invalid, large, late].map(({ calls }) => calls.length),
        [1, 1, 1],
    );
});

test("after as many retries as may be, the last refusal is told", async (t) => {
    const full = Array<ConnectError>(9).fill(askAgain(Code.ResourceExhausted, 1));
    const { address, calls } = await failing(t, full);
    await assert.rejects(total(new Client(address, { retries: 2 })), ResourceExhaustedError);
    assert.equal(calls.length, 3);
});

test("a wait that would outlast the deadline is not begun", async (t) => {
    const { address, calls } = await failing(t, [
        askAgain(Code.Unavailable, 900),
        askAgain(Code.Unavailable, 900),
    ]);
    const begun = performance.now();
    const call = new Client(address).predict("m", [[1]], { deadlineMs: 500 });
    await assert.rejects(call, UnavailableError);
    assert.ok(performance.now() - begun < 500);
    assert.equal(calls.length, 1);
});

test("after a restart the next call succeeds, without a new client", async (t) => {
    const fake = await Fake.start(t, { predict: (request) => create(PredictResponseSchema, sums(request)) });
    const client = new Client(fake.address);
    assert.equal(await total(client), 3);
    const { port } = fake;
    await fake.stop();
    const call = total(client);
    await fake.listen(port);
    assert.equal(await call, 3);
    assert.equal(await total(client), 3);
});

test("a call whose connection breaks is made again", async (t) => {
    let calls = 0;
    const fake = await Fake.start(t, {
        async predict(request) {
            calls += 1;
            if (calls === 1) {
                const { port } = fake;
                await fake.stop();
                await fake.listen(port);
            }
            return create(PredictResponseSchema, sums(request));
        },
    });
    assert.equal(await total(new Client(fake.address)), 3);
    assert.equal(calls, 2);
});

test("calls go to each of several addresses in turn", async (t) => {
    const servers = await Promise.all([failing(t, []), failing(t, []), failing(t, [])]);
    const client = new Client(servers.map(({ address }) => address));
    for (let call = 0; call < 9; call++) await total(client);
    assert.deepEqual(
        servers.map(({ calls }) => calls.length),
        [3, 3, 3],
    );
});

test("an address that does not answer is passed by at once", async (t) => {
    const alive = await failing(t, []);
    const client = new Client([await nobody(t), alive.address], { retries: 0 });
    for (let call = 0; call < 4; call++) assert.equal(await total(client), 3);
    assert.equal(alive.calls.length, 4);
});

test("a server that is stopping sends calls to another one without a wait", async (t) => {
    const stopping = await failing(t, Array<ConnectError>(9).fill(askAgain(Code.Unavailable, 60_000)));
    const alive = await failing(t, []);
    const client = new Client([stopping.address, alive.address], { retries: 0 });
    for (let call = 0; call < 4; call++) assert.equal(await total(client), 3);
    // It is asked once at most, and then left alone for a while.
    assert.ok(stopping.calls.length <= 1, `${stopping.calls.length} calls`);
});

test("what is wrong with a request is wrong at every address", async (t) => {
    const servers = await Promise.all(
        [1, 2].map(() => failing(t, [new ConnectError("no", Code.InvalidArgument)])),
    );
    const client = new Client(servers.map(({ address }) => address));
    await assert.rejects(total(client), InvalidArgumentError);
    assert.equal(servers.flatMap(({ calls }) => calls).length, 1);
});

test("when no address answers, that is told", async (t) => {
    const client = new Client([await nobody(t), await nobody(t)], { retries: 1 });
    await assert.rejects(total(client), UnavailableError);
});
