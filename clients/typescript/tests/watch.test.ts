/** A watch of the models, over connections that end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { Code, ConnectError } from "@connectrpc/connect";

import { CancelledError, Client, PermissionDeniedError, UnavailableError } from "@linfa-serve/client";

import { Fake, nobody } from "./fake.js";

const named = (...names: string[]) => names.map((name) => ({ name }));

test("a watch tells the whole state, then each change of it, and goes on over a connection that ends", async (t) => {
    let watches = 0;
    const fake = await Fake.start(t, {
        async *watchModels() {
            watches += 1;
            if (watches === 1) {
                yield { models: named("a", "c"), catalog: { sequence: 1n } };
                yield { models: named("b"), removed: ["c"], catalog: { sequence: 2n } };
                throw new ConnectError("watch again", Code.Unavailable);
            }
            yield { models: named("b", "d"), catalog: { sequence: 3n } };
            await new Promise(() => undefined);
        },
    });
    const seen: unknown[] = [];
    for await (const { models, changed, removed, catalog } of new Client(fake.address).watchModels()) {
        seen.push([models.map(({ name }) => name), changed, removed, catalog?.sequence]);
        if (seen.length === 3) break;
    }
    assert.deepEqual(seen, [
        [["a", "c"], ["a", "c"], [], 1n],
        [["a", "b"], ["b"], ["c"], 2n],
        [["b", "d"], ["b", "d"], ["a"], 3n],
    ]);
});

test("leaving the loop ends the call", async (t) => {
    const events = new EventTarget();
    const ended = once(events, "ended");
    const fake = await Fake.start(t, {
        async *watchModels(_, { signal }) {
            signal.addEventListener("abort", () => events.dispatchEvent(new Event("ended")));
            yield { models: [] };
            await new Promise(() => undefined);
        },
    });
    for await (const { models } of new Client(fake.address).watchModels()) {
        assert.deepEqual(models, []);
        break;
    }
    await ended;
});

test("a watch ends with what is no use to try again", async (t) => {
    const fake = await Fake.start(t, {
        watchModels() {
            throw new ConnectError("no", Code.PermissionDenied);
        },
    });
    await assert.rejects(new Client(fake.address).watchModels().next(), PermissionDeniedError);
    await assert.rejects(new Client(await nobody(t), { retries: 1 }).watchModels().next(), UnavailableError);
});

test("an aborted signal ends a watch", async (t) => {
    const aborter = new AbortController();
    const fake = await Fake.start(t, {
        async *watchModels() {
            yield { models: [] };
            await new Promise(() => undefined);
        },
    });
    const watch = new Client(fake.address).watchModels({ signal: aborter.signal });
    await watch.next();
    const next = watch.next();
    aborter.abort();
    await assert.rejects(next, CancelledError);
});
