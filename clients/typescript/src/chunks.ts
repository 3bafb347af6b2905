/**
 * A large input, cut into messages of a stream; and the answers to them, in order.
 */
import { type Client as Stub } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";

import {
    PredictRequestSchema,
    type PredictRequest,
    type PredictResponse,
    type PredictService,
} from "./gen/linfa/serve/v1/predict_pb.js";
import { checked, type Checked, type Rows } from "./input.js";
import type { Tries } from "./retry.js";

/** One message of a stream. */
export interface Chunk {
    readonly request: PredictRequest;
    readonly rows: number;
}

/** An answer with the number of rows that it must answer. */
export interface Answered {
    readonly response: PredictResponse;
    readonly rows: number;
}

/** The generated client of predictions. */
export type PredictStub = Stub<typeof PredictService>;

/** How messages are answered one by one, in order. Of the chunks, only a few are ever held. */
export type Exchange = (
    stub: PredictStub,
    chunks: AsyncIterator<Chunk>,
    tries: Tries,
) => AsyncGenerator<Answered>;

/** What a request says besides its rows. */
export type Target = Pick<PredictRequest, "model" | "choice">;

/**
 * The chunks of inputs, of at most `size` rows each, packed when they are asked for.
 *
 * @throws {@link InputError} where an iterable gives rows that no model can take
 */
export async function* chunksOf(
    target: Target,
    inputs: Iterable<Checked> | AsyncIterable<Checked>,
    size: number,
): AsyncGenerator<Chunk> {
    for await (const input of inputs) {
        for (let from = 0; from < input.rows; from += size) {
            const to = Math.min(from + size, input.rows);
            yield {
                request: create(PredictRequestSchema, { ...target, input: input.pack(from, to) }),
                rows: to - from,
            };
        }
    }
}

/** Inputs that are checked, and how many rows they have in all, if that is known. */
export interface Inputs {
    readonly inputs: Iterable<Checked> | AsyncIterable<Checked>;
    readonly total?: number;
}

/**
 * Checks rows: all at once, or as they come.
 *
 * @throws {@link InputError}
 */
export function checkedInputs(input: Rows | AsyncIterable<Rows>): Inputs {
    if (isAsyncIterable(input)) return { inputs: checkedAsTheyCome(input) };
    const whole = checked(input);
    return { inputs: [whole], total: whole.rows };
}

function isAsyncIterable(input: object): input is AsyncIterable<Rows> {
    // The types say less than what callers without a type checker may pass.
    return (
        typeof (input as unknown) === "object" && (input as unknown) !== null && Symbol.asyncIterator in input
    );
}

async function* checkedAsTheyCome(inputs: AsyncIterable<Rows>): AsyncGenerator<Checked> {
    for await (const rows of inputs) yield checked(rows);
}
