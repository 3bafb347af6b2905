/**
 * The cases of `tests/contract` at the root of the repository, by this client's public calls alone, in Node and in a page.
 */
import { ModelState, UnavailableError, type BaseClient, type Rows } from "@linfa-serve/client/web";

import { answered, near, refused, same } from "./compare.js";
import type { Answer, Call, Case, File, Get, Input, Listed, Ramp, Refusal, Stream } from "./file.js";

/** What a suite runs in. */
export interface Surroundings {
    /** A new client with that key. */
    connect(key: "full" | "narrow" | "none", options?: { retries?: number }): BaseClient;
    /** Runs `$CONTRACT_DO` with these words, and gives what it prints. */
    command(...words: string[]): Promise<string>;
    /** The memory of the process after a collection, as the system counts it, in MiB. */
    memory(): Promise<number>;
    /** Prints a line. */
    say(line: string): void;
}

/** How often a refusal that is waited for is asked for, in milliseconds. */
const LOOK_MS = 50;
/** As many as a case may want; its deadline ends them. */
const MANY_RETRIES = 1000;

/** Runs every case, says of each whether it holds, and gives whether all do. */
export async function runAll(file: File, surroundings: Surroundings): Promise<boolean> {
    const suite = new Suite(file.tolerance, surroundings);
    let all = true;
    for (const one of file.cases) {
        const begun = performance.now();
        const failure = await suite.run(one).then(
            () => undefined,
            (error: unknown) => String(error).replaceAll("\n", " "),
        );
        const millis = Math.round(performance.now() - begun);
        const verdict = failure === undefined ? `ok ${millis}` : `failed ${millis} ${failure}`;
        surroundings.say(`contract ${one.name} ${verdict}`);
        all &&= failure === undefined;
    }
    return all;
}

class Suite {
    readonly #client: BaseClient;
    readonly #once: BaseClient;

    constructor(
        readonly tolerance: number,
        readonly surroundings: Surroundings,
    ) {
        this.#client = surroundings.connect("full");
        this.#once = surroundings.connect("full", { retries: 0 });
    }

    async run(one: Case): Promise<void> {
        const client = one.retries === false ? this.#once : this.#client;
        for (const call of one.calls ?? []) await this.#call(client, call);
        if (one.second_watch !== undefined) await this.#secondWatch(one.second_watch);
        if (one.get !== undefined) await this.#get(one.get);
        if (one.list !== undefined) await this.#list(one.list);
        if (one.watch !== undefined) await this.#watch(one.watch);
        if (one.stream !== undefined) await this.#stream(one.stream);
        if (one.retry !== undefined) await this.#retry(one.retry);
        if (one.restart !== undefined) await this.#restart(one.restart);
    }

    async #call(client: BaseClient, call: Call): Promise<void> {
        const asked = call.key === undefined ? client : this.surroundings.connect(call.key, { retries: 0 });
        const { version, label, deadline_ms: deadlineMs } = call;
        const answer = asked.predict(call.model, rowsOf(call.input), { version, label, deadlineMs });
        if (call.error !== undefined) await fails(answer, sentAs(call.error));
        else if (call.answer !== undefined) answered(await answer, call.answer, this.tolerance);
        else throw new Error("the call expects nothing");
    }

    async #secondWatch(refusal: Refusal): Promise<void> {
        const watch = this.#client.watchModels();
        await watch.next();
        await fails(this.#once.watchModels().next(), refusal);
        await watch.return();
    }

    async #get(expected: Get): Promise<void> {
        const model = await this.#client.getModel(expected.name);
        same("default version", model.defaultVersion, expected.default_version);
        same("labels", model.labels, expected.labels);
        const version = model.versions.find((one) => one.version === BigInt(expected.version.version));
        same("state", version && ModelState[version.state], expected.version.state);
        same("digest", version?.digest.startsWith(expected.version.digest), true);
        const { inputs = [], task, outputs, steps } = version?.signature ?? {};
        same(
            "task, outputs and steps",
            [task, outputs, steps],
            [expected.version.task, expected.version.outputs, expected.version.steps],
        );
        same(
            "features",
            inputs.map(({ name, min, max }) => [name, min, max]),
            expected.version.inputs.map(({ name, min, max }) => [name, min, max]),
        );
        for (const [at, { name, mean }] of expected.version.inputs.entries()) {
            near(`mean of ${name}`, inputs[at]?.mean, mean, this.tolerance);
        }
    }

    async #list(expected: readonly Listed[]): Promise<void> {
        const { models } = await this.#client.listModels();
        for (const listed of expected) {
            const model = models.find(({ name }) => name === listed.name);
            same(`default version of ${listed.name}`, model?.defaultVersion, listed.default_version);
            const versions = model?.versions.map(({ version, state, refusal }, at) => ({
                version,
                state: ModelState[state],
                check: listed.versions[at]?.check && refusal?.check,
            }));
            same(`versions of ${listed.name}`, versions, listed.versions);
        }
    }

    async #watch({ model, within_ms }: { model: string; within_ms: number }): Promise<void> {
        let dropped: bigint | undefined;
        const signal = AbortSignal.timeout(within_ms);
        for await (const { models } of this.#client.watchModels({ signal })) {
            dropped ??= BigInt(await this.surroundings.command("drop", model));
            const now = models.find(({ name }) => name === model);
            const version = now?.versions.find((one) => one.version === dropped);
            if (now?.defaultVersion === dropped && version?.state === ModelState.SERVING) break;
        }
    }

    async #stream({ model, chunk, memory_mib, ramp, answer }: Stream): Promise<void> {
        const before = await this.surroundings.memory();
        let highest = before;
        let done = 0;
        for await (const part of this.#client.predictStream(model, chunks(ramp, chunk), {
            chunkRows: chunk,
        })) {
            answered(part, answer, this.tolerance, done);
            done += part.rows;
            highest = Math.max(highest, await this.surroundings.memory());
        }
        same("rows", done, answer.ramp?.rows);
        const grown = Math.ceil(highest - before);
        if (grown > memory_mib)
            throw new Error(`memory: expected ${memory_mib} MiB more at most, got ${grown}`);
    }

    async #retry({ model, within_ms, input, error, answer }: NonNullable<Case["retry"]>): Promise<void> {
        const version = BigInt(await this.surroundings.command("hold", model));
        const rows = rowsOf(input);
        await this.#unavailable(model, rows, version, error);
        const patient = this.surroundings.connect("full", { retries: MANY_RETRIES });
        const late = patient.predict(model, rows, { version, deadlineMs: within_ms });
        await this.surroundings.command("release", model);
        const got = await late;
        same("version", got.model.version, version);
        answered(got, answer, this.tolerance);
    }

    /** Asks until that version is refused for now: at first the server does not know it. */
    async #unavailable(model: string, rows: Rows, version: bigint, expected: Refusal): Promise<void> {
        for (;;) {
            const outcome = await failure(this.#once.predict(model, rows, { version }));
            if (outcome instanceof UnavailableError) {
                refused(outcome, expected);
                return;
            }
            await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
    }

    async #restart({ model, input, answer }: { model: string; input: Input; answer: Answer }): Promise<void> {
        const rows = rowsOf(input);
        answered(await this.#client.predict(model, rows), answer, this.tolerance);
        await this.surroundings.command("restart");
        answered(await this.#client.predict(model, rows), answer, this.tolerance);
    }
}

async function failure(call: Promise<unknown>): Promise<unknown> {
    return call.then(
        () => new Error("there was an answer"),
        (error: unknown) => error,
    );
}

async function fails(call: Promise<unknown>, expected: Refusal): Promise<void> {
    refused(await failure(call), expected);
}

/** This client sends arrays of rows as the bytes of 64-bit floats, and the server names the field that came. */
function sentAs(refusal: Refusal): Refusal {
    const { field } = refusal;
    return field === undefined
        ? refusal
        : { ...refusal, field: field.replace(/^matrix\.values/, "matrix.f64_le") };
}

function rowsOf({ as, rows, ramp, columns }: Input): Rows {
    if (columns !== undefined) return Object.fromEntries(columns.map(({ name, values }) => [name, values]));
    const { values, width } =
        ramp === undefined ? listed(rows ?? []) : { values: ramped(ramp, 0, ramp.rows), width: ramp.width };
    if (as === "f64") return { values, columns: width };
    if (as === "f32") return { values: Float32Array.from(values), columns: width };
    return Array.from({ length: values.length / width }, (_, row) => [
        ...values.subarray(row * width, (row + 1) * width),
    ]);
}

function listed(rows: readonly (readonly (number | null)[])[]): { values: Float64Array; width: number } {
    const values = Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
    return { values, width: rows[0]?.length ?? 1 };
}

function ramped({ width, from, down, along }: Ramp, first: number, end: number): Float64Array {
    const values = new Float64Array((end - first) * width);
    // Millions of cells: `Float64Array.from` by a rule takes ten times as long.
    for (let at = 0; at < values.length; at++) {
        values[at] = from + (first + Math.floor(at / width)) * down + (at % width) * along;
    }
    return values;
}

/** A ramp piece by piece, each made when it is asked for. */
// eslint-disable-next-line @typescript-eslint/require-await -- an iterable that never waits is one all the same
async function* chunks(ramp: Ramp, size: number): AsyncGenerator<Rows> {
    for (let first = 0; first < ramp.rows; first += size) {
        yield { values: ramped(ramp, first, Math.min(first + size, ramp.rows)), columns: ramp.width };
    }
}
