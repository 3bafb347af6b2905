/** The client for browsers, in headless Chromium over gRPC-Web, against a server of the test's own making. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import { ErrorInfoSchema, PredictResponseSchema, type PredictRequest } from "@linfa-serve/client/pb";
import type * as web from "@linfa-serve/client/web";

import { open, type Opened } from "./chromium.js";
import { askAgain, nobody, rowsOf, startForPages, sums } from "./fake.js";

/** What the page's script has put there. */
declare const client: typeof web;

let opened: Opened;
before(async () => {
    opened = await open(new URL("./page.js", import.meta.url));
});
after(() => opened.close());

test("a page gets predictions with its key, and is refused again until there is one", async (t) => {
    const keys: (string | null)[] = [];
    const address = await startForPages(t, {
        predict(request, { requestHeader }) {
            keys.push(requestHeader.get("authorization"));
            if (keys.length === 1) throw askAgain(Code.ResourceExhausted, 10);
            return create(PredictResponseSchema, sums(request));
        },
    });
    const values = await opened.page.evaluate(async (address) => {
        const answer = await new client.Client(address, { apiKey: "lsk_page" }).predict("m", [[1, 2.5]]);
        return answer.task === "regression" ? [...answer.values.values] : [];
    }, address);
    assert.deepEqual(values, [3.5]);
    assert.deepEqual(keys, ["Bearer lsk_page", "Bearer lsk_page"]);
});

test("a page sends many rows by a call for each message", async (t) => {
    const sizes: number[] = [];
    const address = await startForPages(t, {
        predict(request: PredictRequest) {
            sizes.push(rowsOf(request).length);
            return create(PredictResponseSchema, sums(request));
        },
    });
    const answers = await opened.page.evaluate(async (address) => {
        const rows = Array.from({ length: 5 }, (_, row) => [row]);
        const seen: number[] = [];
        for await (const answer of new client.Client(address).predictStream("m", rows, { chunkRows: 2 })) {
            if (answer.task === "regression") seen.push(...answer.values.values);
        }
        return seen;
    }, address);
    assert.deepEqual(
        [sizes, answers],
        [
            [2, 2, 1],
            [0, 1, 2, 3, 4],
        ],
    );
});

test("a page gets the class and the details of a refusal", async (t) => {
    const info = create(ErrorInfoSchema, { reason: "NOT_FINITE", metadata: { row: "1" } });
    const address = await startForPages(t, {
        predict() {
            throw new ConnectError("row 1: no", Code.InvalidArgument, undefined, [
                { desc: ErrorInfoSchema, value: info },
            ]);
        },
    });
    const told = await opened.page.evaluate(async (address) => {
        const error: unknown = await new client.Client(address)
            .predict("m", [[1]])
            .catch((error: unknown) => error);
        if (!(error instanceof client.InvalidArgumentError)) return String(error);
        return [error.code, error.message, error.details.info];
    }, address);
    assert.deepEqual(told, [
        "INVALID_ARGUMENT",
        "row 1: no",
        { reason: "NOT_FINITE", metadata: { row: "1" } },
    ]);
});

test("a page is told of a server that cannot be reached, and of bad rows before it asks", async (t) => {
    const names = await opened.page.evaluate(
        async (address) => {
            const server = new client.Client(address, { retries: 1 });
            const name = (error: unknown) =>
                (error as Error).constructor === client.InputError
                    ? "input"
                    : (error as web.StatusError).code;
            return [await server.predict("m", [[1]]).catch(name), await server.predict("m", []).catch(name)];
        },
        await nobody(t),
    );
    assert.deepEqual(names, ["UNAVAILABLE", "input"]);
});

test("a page watches models", async (t) => {
    const address = await startForPages(t, {
        async *watchModels() {
            yield { models: [{ name: "a" }] };
            yield { models: [{ name: "b" }], removed: ["a"] };
            await new Promise(() => undefined);
        },
    });
    const seen = await opened.page.evaluate(async (address) => {
        const states: string[][] = [];
        for await (const { models, removed } of new client.Client(address).watchModels()) {
            states.push([...models.map(({ name }) => name), ...removed]);
            if (states.length === 2) break;
        }
        return states;
    }, address);
    assert.deepEqual(seen, [["a"], ["b", "a"]]);
});
