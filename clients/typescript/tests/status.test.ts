/** What a server says instead of an answer, as an error of its own class with its details. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import * as client from "@linfa-serve/client";
import {
    BadRequestSchema,
    ErrorInfoSchema,
    PredictResponseSchema,
    PreconditionFailureSchema,
    ResourceInfoSchema,
} from "@linfa-serve/client/pb";

import { askAgain, Fake, nobody, sums } from "./fake.js";

/** The error of a call that ends so. */
async function refusal(t: TestContext, status: ConnectError): Promise<client.StatusError> {
    const fake = await Fake.start(t, {
        predict() {
            throw status;
        },
    });
    const call = new client.Client(fake.address, { retries: 0 }).predict("m", [[1]]);
    const error = await call.then(
        () => undefined,
        (error: unknown) => error,
    );
    assert.ok(error instanceof client.StatusError);
    return error;
}

test("each status is a class of its own, with the server's sentence", async (t) => {
    const classes: [Code, string, typeof client.StatusError][] = [
        [Code.InvalidArgument, "INVALID_ARGUMENT", client.InvalidArgumentError],
        [Code.OutOfRange, "OUT_OF_RANGE", client.OutOfRangeError],
        [Code.NotFound, "NOT_FOUND", client.NotFoundError],
        [Code.FailedPrecondition, "FAILED_PRECONDITION", client.FailedPreconditionError],
        [Code.Unavailable, "UNAVAILABLE", client.UnavailableError],
        [Code.ResourceExhausted, "RESOURCE_EXHAUSTED", client.ResourceExhaustedError],
        [Code.DeadlineExceeded, "DEADLINE_EXCEEDED", client.DeadlineExceededError],
        [Code.Canceled, "CANCELLED", client.CancelledError],
        [Code.Unauthenticated, "UNAUTHENTICATED", client.UnauthenticatedError],
        [Code.PermissionDenied, "PERMISSION_DENIED", client.PermissionDeniedError],
        [Code.Internal, "INTERNAL", client.InternalError],
        [Code.Unimplemented, "UNIMPLEMENTED", client.StatusError],
    ];
    for (const [code, name, Class] of classes) {
        const error = await refusal(t, new ConnectError("a sentence", code));
        assert.equal(Object.getPrototypeOf(error), Class.prototype);
        assert.deepEqual([error.code, error.message], [name, "a sentence"]);
    }
});

test("violations are told in order, the first with row, column, what was expected and what came", async (t) => {
    const request = create(BadRequestSchema, {
        fieldViolations: [
            { field: "matrix.f64_le[3]", description: "row 1, column `y`: …", reason: "NOT_FINITE" },
            { field: "frame.columns[b]", description: "this column is missing", reason: "COLUMN_MISSING" },
        ],
    });
    const metadata = { row: "1", column: "y", expected: "a finite number", got: "NaN or an infinity" };
    const info = create(ErrorInfoSchema, { reason: "NOT_FINITE", metadata });
    const status = new ConnectError("no", Code.InvalidArgument, undefined, [
        { desc: BadRequestSchema, value: request },
        { desc: ErrorInfoSchema, value: info },
    ]);
    const { violations } = (await refusal(t, status)).details;
    const first = { field: "matrix.f64_le[3]", description: "row 1, column `y`: …", reason: "NOT_FINITE" };
    assert.deepEqual(violations, [
        { ...first, ...metadata, row: 1 },
        { field: "frame.columns[b]", description: "this column is missing", reason: "COLUMN_MISSING" },
    ]);
});

test("a result that is not finite has its row and the reason", async (t) => {
    const request = create(BadRequestSchema, {
        fieldViolations: [{ field: "rows[7]", description: "row 7: …" }],
    });
    const info = create(ErrorInfoSchema, { reason: "RESULT_NOT_FINITE", metadata: { row: "7", step: "1" } });
    const status = new ConnectError("no", Code.OutOfRange, undefined, [
        { desc: BadRequestSchema, value: request },
        { desc: ErrorInfoSchema, value: info },
    ]);
    const [violation] = (await refusal(t, status)).details.violations;
    assert.deepEqual(
        [violation?.field, violation?.reason, violation?.row],
        ["rows[7]", "RESULT_NOT_FINITE", 7],
    );
});

test("what is missing, what is in the way, and a reason for programs are decoded", async (t) => {
    const resource = create(ResourceInfoSchema, { resourceType: "version", resourceName: "iris/9" });
    const failure = create(PreconditionFailureSchema, {
        violations: [{ type: "golden", subject: "iris/3", description: "row 7 differs" }],
    });
    const info = create(ErrorInfoSchema, { reason: "RESULT_NOT_FINITE", metadata: { row: "7", step: "1" } });
    const status = new ConnectError("no", Code.NotFound, undefined, [
        { desc: ResourceInfoSchema, value: resource },
        { desc: PreconditionFailureSchema, value: failure },
        { desc: ErrorInfoSchema, value: info },
    ]);
    const { details } = await refusal(t, status);
    assert.deepEqual(details.resource, { type: "version", name: "iris/9" });
    assert.deepEqual(details.preconditions, [
        { type: "golden", subject: "iris/3", description: "row 7 differs" },
    ]);
    assert.deepEqual(details.info, { reason: "RESULT_NOT_FINITE", metadata: { row: "7", step: "1" } });
    assert.equal((await refusal(t, askAgain(Code.Unavailable, 250))).details.retryAfterMs, 250);
});

test("a status without details has none", async (t) => {
    const { details } = await refusal(t, new ConnectError("no", Code.Unauthenticated));
    assert.deepEqual(details, {
        violations: [],
        resource: undefined,
        preconditions: [],
        retryAfterMs: undefined,
        info: undefined,
    });
});

test("a server that cannot be reached is UNAVAILABLE", async (t) => {
    const call = new client.Client(await nobody(t), { retries: 0 }).predict("m", [[1]]);
    await assert.rejects(call, { name: "UnavailableError", message: /ECONNREFUSED/ });
});

test("a deadline ends a call that is not answered", async (t) => {
    const fake = await Fake.start(t, { predict: () => new Promise(() => undefined) });
    const call = new client.Client(fake.address).predict("m", [[1]], { deadlineMs: 50 });
    await assert.rejects(call, client.DeadlineExceededError);
});

test("an aborted signal ends a call and its retries", async (t) => {
    const aborter = new AbortController();
    const fake = await Fake.start(t, {
        predict() {
            aborter.abort(new Error("enough"));
            return new Promise(() => undefined);
        },
    });
    const { signal } = aborter;
    const call = new client.Client(fake.address).predict("m", [[1]], { signal });
    await assert.rejects(call, client.CancelledError);

    const never = new client.Client(await nobody(t)).predict("m", [[1]], { signal });
    await assert.rejects(never, client.CancelledError);
});

test("a model that the catalog does not name is NOT_FOUND, and one that it names is given whole", async (t) => {
    const fake = await Fake.start(t, {
        getModel({ name }) {
            if (name !== "sum") throw new ConnectError("there is no such model", Code.NotFound);
            return { model: { name, defaultVersion: 2n, labels: { stable: 1n } } };
        },
        listModels: () => ({ models: [{ name: "sum" }], catalog: { sequence: 5n } }),
        predict: (request) => create(PredictResponseSchema, sums(request)),
    });
    const server = new client.Client(fake.address);
    const model = await server.getModel("sum");
    assert.deepEqual([model.defaultVersion, model.labels], [2n, { stable: 1n }]);
    await assert.rejects(server.getModel("product"), client.NotFoundError);
    const { models, catalog } = await server.listModels();
    assert.deepEqual([models.map(({ name }) => name), catalog?.sequence], [["sum"], 5n]);
});
