/**
 * Many messages and their answers over one stream of gRPC. A stream that breaks is taken up again with the first message
 * that has no answer.
 */
import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";

import type { CallOptions } from "@connectrpc/connect";

import type { Chunk, Exchange, PredictStub } from "./chunks.js";
import { MalformedAnswerError } from "./errors.js";
import type { PredictRequest, PredictResponse } from "./gen/linfa/serve/v1/predict_pb.js";

/** How many messages may be without an answer: one is answered while the next is on its way. */
const AHEAD = 2;

type Event =
    | { readonly chunk: IteratorResult<Chunk> }
    | { readonly response: PredictResponse }
    | { readonly failure: unknown };

/** Holds at most {@link AHEAD} chunks. An answer is given out at once, even while the next chunk is not there yet. */
export const exchangeByStream: Exchange = async function* (stub, chunks, tries) {
    const unanswered: Chunk[] = [];
    let isWhole = false;
    let call: StreamCall | undefined;
    let coming: Promise<Event> | undefined;
    let answer: Promise<Event> | undefined;
    try {
        while (!isWhole || unanswered.length > 0) {
            if (!isWhole && unanswered.length < AHEAD) coming ??= pull(chunks);
            if (unanswered.length > 0) {
                call ??= new StreamCall(stub, tries.options(), unanswered);
                if (isWhole) call.close();
                answer ??= call.answer();
            }
            const event = await Promise.race([coming, answer].filter((promise) => promise !== undefined));
            if ("chunk" in event) {
                coming = undefined;
                if (event.chunk.done === true) {
                    isWhole = true;
                } else {
                    unanswered.push(event.chunk.value);
                    call?.send(event.chunk.value);
                }
            } else if ("failure" in event) {
                call?.abort();
                call = answer = undefined;
                await tries.again(event.failure, true);
            } else {
                answer = undefined;
                tries.progressed();
                yield { response: event.response, rows: unanswered.shift()?.rows ?? 0 };
            }
        }
        await call?.end();
    } finally {
        call?.abort();
    }
};

function pull(chunks: AsyncIterator<Chunk>): Promise<Event> {
    const coming = chunks.next().then((chunk) => ({ chunk }));
    // Whoever waits for it hears of it; nobody may, if the stream has ended with an error of its own.
    coming.catch(() => undefined);
    return coming;
}

/** One call of PredictStream. */
class StreamCall {
    readonly #aborter = new AbortController();
    readonly #answers: AsyncIterator<PredictResponse>;
    #outbox!: ReadableStreamDefaultController<PredictRequest>;
    #isOpen = true;

    /** Begins it with the chunks that are there. */
    constructor(stub: PredictStub, { signal, timeoutMs }: CallOptions, chunks: readonly Chunk[]) {
        const requests = new ReadableStream<PredictRequest>({
            start: (outbox) => void (this.#outbox = outbox),
        });
        const signals = [this.#aborter.signal, signal].filter((one) => one !== undefined);
        const options = { signal: AbortSignal.any(signals), ...(timeoutMs !== undefined && { timeoutMs }) };
        this.#answers = stub.predictStream(eachOf(requests), options)[Symbol.asyncIterator]();
        for (const chunk of chunks) this.send(chunk);
    }

    send(chunk: Chunk): void {
        this.#outbox.enqueue(chunk.request);
    }

    /** Nothing more will be sent. */
    close(): void {
        if (this.#isOpen) this.#outbox.close();
        this.#isOpen = false;
    }

    /** The next answer, or why there is none. */
    async answer(): Promise<Event> {
        try {
            const next = await this.#answers.next();
            if (next.done !== true) return { response: next.value };
            return { failure: new MalformedAnswerError("expected an answer to each message, got fewer") };
        } catch (failure) {
            return { failure };
        }
    }

    /** Lets the server end it. How it does is of no matter: every message has its answer. */
    async end(): Promise<void> {
        this.close();
        await this.answer();
    }

    abort(): void {
        this.close();
        this.#aborter.abort();
    }
}

/** An iterable that may be asked for its iterator twice, as connect does; a stream would say that it is locked. */
async function* eachOf<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
    yield* stream;
}
