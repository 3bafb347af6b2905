/**
 * The client, whatever it speaks over: `index.ts` and `web.ts` say that.
 */
import { create } from "@bufbuild/protobuf";
import { createClient, type Client as Stub, type Transport } from "@connectrpc/connect";

import { checkedInputs, chunksOf, type Exchange, type PredictStub } from "./chunks.js";
import { MalformedAnswerError } from "./errors.js";
import { ModelService, type Model } from "./gen/linfa/serve/v1/model_pb.js";
import { PredictRequestSchema, PredictService } from "./gen/linfa/serve/v1/predict_pb.js";
import { checked, type Rows } from "./input.js";
import { Watched, type Models, type ModelsChange } from "./models.js";
import {
    choice,
    CHUNK_ROWS,
    DEADLINE_MS,
    deadlineOf,
    RETRIES,
    wholeNumber,
    type CallOptions,
    type ClientOptions,
    type PredictOptions,
    type StreamOptions,
    type WatchOptions,
} from "./options.js";
import { prediction, type Prediction } from "./prediction.js";
import { Tries } from "./retry.js";

/** What the client for Node and the one for browsers have in common. It may be shared, and connects again by itself. */
export abstract class BaseClient {
    readonly #predict: PredictStub;
    readonly #models: Stub<typeof ModelService>;
    readonly #exchange: Exchange;
    readonly #deadlineMs: number;
    readonly #retries: number;

    /** @internal */
    protected constructor(
        transport: Transport,
        exchange: (deadlineMs: number) => Exchange,
        { deadlineMs = DEADLINE_MS, retries = RETRIES }: ClientOptions,
    ) {
        this.#predict = createClient(PredictService, transport);
        this.#models = createClient(ModelService, transport);
        this.#deadlineMs = deadlineOf(deadlineMs);
        this.#retries = wholeNumber("retries", retries, 0);
        this.#exchange = exchange(this.#deadlineMs);
    }

    /**
     * Predicts every row with one version of one model.
     *
     * @param model - its name; an empty one stands for the only model that is served
     * @param rows - at least one
     * @throws {@link InputError} or {@link OptionError} before anything is sent; a {@link StatusError} with what the
     * server says; {@link MalformedAnswerError}
     */
    async predict(model: string, rows: Rows, options: PredictOptions = {}): Promise<Prediction> {
        const input = checked(rows);
        const request = create(PredictRequestSchema, {
            model,
            choice: choice(options),
            input: input.pack(0, input.rows),
        });
        const response = await this.#tries(options).run((call) => this.#predict.predict(request, call));
        return prediction(response, input.rows);
    }

    /**
     * Predicts many rows in messages of `chunkRows`, and gives each answer as it comes, in order. A few messages at most
     * are held at once; a loop that is slow or left early slows or ends the rest. Each message is answered by the version
     * that serves at that moment. In browsers each message is a call of its own.
     *
     * @param model - as in {@link BaseClient.predict}
     * @param input - rows, which are all checked before anything is sent; or an iterable that gives rows piece by piece,
     * each checked when it comes
     * @throws as {@link BaseClient.predict}, from the loop
     */
    async *predictStream(
        model: string,
        input: Rows | AsyncIterable<Rows>,
        options: StreamOptions = {},
    ): AsyncGenerator<Prediction, void, undefined> {
        const size = wholeNumber("chunkRows", options.chunkRows ?? CHUNK_ROWS, 1);
        const { deadlineMs } = options;
        const tries = new Tries(this.#retries, {
            ...options,
            deadlineMs: deadlineMs === undefined ? undefined : deadlineOf(deadlineMs),
        });
        const target = { model, choice: choice(options) };
        const { inputs, total } = checkedInputs(input);
        const chunks = chunksOf(target, inputs, size);
        let done = 0;
        try {
            for await (const { response, rows } of this.#exchange(this.#predict, chunks, tries)) {
                const answer = prediction(response, rows);
                done += rows;
                options.onProgress?.({ rows: done, total });
                yield answer;
            }
        } finally {
            // The caller's iterable may hold a file open. It is not waited for: it may be stuck.
            chunks.return(undefined).catch(() => undefined);
        }
    }

    /**
     * Every model, with what serves, what was refused and why. Needs the scope `models:read`.
     *
     * @throws as {@link BaseClient.predict}
     */
    async listModels(options: CallOptions = {}): Promise<Models> {
        const { models, catalog } = await this.#tries(options).run((call) =>
            this.#models.listModels({}, call),
        );
        return { models, catalog };
    }

    /**
     * One model, with all its versions. Needs the scope `models:read`.
     *
     * @throws as {@link BaseClient.predict}; {@link NotFoundError} if the catalog does not name it
     */
    async getModel(name: string, options: CallOptions = {}): Promise<Model> {
        const { model } = await this.#tries(options).run((call) => this.#models.getModel({ name }, call));
        if (model === undefined) throw new MalformedAnswerError("expected a model, got none");
        return model;
    }

    /**
     * Every model at once, and again at each change. Goes on when a connection ends, as long as the server can be reached
     * again. Ends when the loop is left. Needs the scope `models:read`.
     *
     * @throws as {@link BaseClient.predict}, from the loop
     */
    async *watchModels(options: WatchOptions = {}): AsyncGenerator<ModelsChange, void, undefined> {
        const tries = new Tries(this.#retries, options);
        const watched = new Watched();
        for (;;) {
            const aborter = new AbortController();
            const signals = [aborter.signal, options.signal].filter((signal) => signal !== undefined);
            try {
                let isFirst = true;
                const messages = this.#models.watchModels({}, { signal: AbortSignal.any(signals) });
                for await (const message of messages) {
                    tries.progressed();
                    yield watched.change(message, isFirst);
                    isFirst = false;
                }
                throw new MalformedAnswerError("expected a watch to end with a status, got none");
            } catch (cause) {
                await tries.again(cause);
            } finally {
                aborter.abort();
            }
        }
    }

    #tries({ deadlineMs, signal }: CallOptions): Tries {
        return new Tries(this.#retries, { deadlineMs: deadlineOf(deadlineMs ?? this.#deadlineMs), signal });
    }
}
