/**
 * What came against what a case expects. Without Node's assert, since it runs in a page too.
 */
import * as client from "@linfa-serve/client/web";
import type { Prediction, Table } from "@linfa-serve/client/web";

import type { Answer, Ramp, Refusal } from "./file.js";

/** The class of each status that the cases know. */
const CLASSES: Readonly<Record<string, typeof client.StatusError>> = {
    DEADLINE_EXCEEDED: client.DeadlineExceededError,
    FAILED_PRECONDITION: client.FailedPreconditionError,
    INVALID_ARGUMENT: client.InvalidArgumentError,
    NOT_FOUND: client.NotFoundError,
    OUT_OF_RANGE: client.OutOfRangeError,
    PERMISSION_DENIED: client.PermissionDeniedError,
    RESOURCE_EXHAUSTED: client.ResourceExhaustedError,
    UNAUTHENTICATED: client.UnauthenticatedError,
    UNAVAILABLE: client.UnavailableError,
};

/** Throws unless both are written alike. */
export function same(what: string, got: unknown, expected: unknown): void {
    const [left, right] = [written(got), written(expected)];
    if (left !== right) throw new Error(`${what}: expected ${right}, got ${left}`);
}

export function near(what: string, got: number | undefined, expected: number, tolerance: number): void {
    if (isNear(got, expected, tolerance)) return;
    throw new Error(`${what}: expected ${expected}, got ${got ?? "nothing"}`);
}

function isNear(got: number | undefined, expected: number, tolerance: number): boolean {
    return got !== undefined && Math.abs(got - expected) <= tolerance * Math.max(1, Math.abs(expected));
}

/** Throws unless the answer is the expected one, or the rows of it from `from` on. */
export function answered(got: Prediction, expected: Answer, tolerance: number, from = 0): void {
    same("model", got.model.name, expected.model);
    if (expected.version !== undefined) same("version", got.model.version, expected.version);
    same("digest", got.model.digest.startsWith("sha256:"), true);
    same("task", got.task, expected.task);
    const { names, numbers } = parts(got);
    if (expected.names !== undefined) same("names", names, expected.names);
    if (got.task === "classification") same("labels", got.labels, expected.labels);
    if (got.task === "clustering") same("clusters", [...got.clusters], expected.clusters);
    if (expected.ramp !== undefined) ramped(numbers, expected.ramp, tolerance, from);
    if (expected.numbers !== undefined) {
        same("rows of numbers", numbers?.rows ?? 0, expected.numbers.length);
        for (const [row, values] of expected.numbers.entries()) {
            same(`width of row ${row}`, numbers?.row(row).length, values.length);
            for (const [column, value] of values.entries()) {
                near(`row ${row}, column ${column}`, numbers?.row(row)[column], value, tolerance);
            }
        }
    }
}

/** The names and the numbers of an answer, whatever its task. */
function parts(answer: Prediction): { names: readonly string[]; numbers: Table | undefined } {
    switch (answer.task) {
        case "classification":
            return { names: answer.classes, numbers: answer.probabilities };
        case "clustering":
            return { names: answer.distances?.columns ?? [], numbers: answer.distances };
        case "regression":
        case "transformation":
            return { names: answer.values.columns, numbers: answer.values };
    }
}

function ramped(numbers: Table | undefined, ramp: Ramp, tolerance: number, from: number): void {
    same("width", numbers?.columns.length, ramp.width);
    for (let row = 0; row < (numbers?.rows ?? 0); row++) {
        const values = numbers?.row(row) ?? [];
        for (let column = 0; column < ramp.width; column++) {
            const expected = ramp.from + (from + row) * ramp.down + column * ramp.along;
            // Millions of cells: a sentence for each would be most of the work.
            if (isNear(values[column], expected, tolerance)) continue;
            near(`row ${from + row}, column ${column}`, values[column], expected, tolerance);
        }
    }
}

/** Throws unless it is the error of that status, with those details. */
export function refused(error: unknown, expected: Refusal): void {
    if (!(error instanceof client.StatusError))
        throw new Error(`expected ${expected.code}, got ${String(error)}`);
    same("code", error.code, expected.code);
    same("class", error.constructor === CLASSES[expected.code], true);
    const { violations, resource, preconditions, retryAfterMs } = error.details;
    for (const key of ["field", "reason", "row", "column", "expected", "got"] as const) {
        if (expected[key] !== undefined) same(key, violations[0]?.[key], expected[key]);
    }
    if (expected.resource !== undefined) same("resource", resource, expected.resource);
    if (expected.precondition !== undefined) {
        const { type, subject } = preconditions[0] ?? {};
        same("precondition", { type, subject }, expected.precondition);
    }
    if (expected.retry === true) same("a time to wait", retryAfterMs !== undefined, true);
}

/** As JSON; a number is a number, whatever its size. */
function written(value: unknown): string {
    return JSON.stringify([value], (_, part: unknown) =>
        typeof part === "bigint" ? Number(part) : part,
    ).slice(1, -1);
}
