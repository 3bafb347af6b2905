/**
 * When a call is tried again: only where nothing was done (UNAVAILABLE; RESOURCE_EXHAUSTED with a time to wait), never
 * sooner than the server asks, and never beyond the deadline.
 */
import type { CallOptions as RawOptions } from "@connectrpc/connect";

import { msUntil, type CallOptions } from "./options.js";
import {
    DeadlineExceededError,
    ResourceExhaustedError,
    statusError,
    StatusError,
    UnavailableError,
} from "./status.js";

/** The first wait, in milliseconds; each one after it is twice as long. */
const FIRST_MS = 100;
/** The longest wait that is not asked for by the server, in milliseconds. */
const LONGEST_MS = 5_000;

/**
 * The tries of one call, or of one stream.
 *
 * @internal
 */
export class Tries {
    readonly #retries: number;
    readonly #ends: number | undefined;
    readonly #signal: AbortSignal | undefined;
    #failed = 0;

    constructor(retries: number, { deadlineMs, signal }: CallOptions) {
        this.#retries = retries;
        this.#ends = deadlineMs === undefined ? undefined : performance.now() + deadlineMs;
        this.#signal = signal;
    }

    /** The options of the next try: what is left of the deadline, and the caller's signal. */
    options(): RawOptions {
        return {
            ...(this.#ends !== undefined && { timeoutMs: msUntil(this.#ends) }),
            ...(this.#signal !== undefined && { signal: this.#signal }),
        };
    }

    /** Something was answered, so that an error after it is a first one again. */
    progressed(): void {
        this.#failed = 0;
    }

    /**
     * Waits before another try. Throws the typed error if there shall be none.
     *
     * @param isStream - the server ends a stream that stands still with DEADLINE_EXCEEDED, which may go on in a new one
     */
    async again(cause: unknown, isStream = false): Promise<void> {
        const left = this.#ends === undefined ? Infinity : this.#ends - performance.now();
        const error = statusError(cause, this.#signal, left <= 0);
        const wait = waitAfter(error, this.#failed, Math.random(), isStream);
        this.#failed += 1;
        if (wait === undefined || wait >= left || this.#failed > this.#retries) throw error;
        await pause(wait, this.#signal);
    }

    /** Calls until there is an answer or an error that stays. */
    async run<T>(call: (options: RawOptions) => Promise<T>): Promise<T> {
        for (;;) {
            try {
                return await call(this.options());
            } catch (cause) {
                await this.again(cause);
            }
        }
    }
}

/**
 * How long to wait after an error, in milliseconds; undefined if another try is no use. Exponential, with as much as
 * half of it by chance, so that many clients do not come back at once.
 *
 * @param failed - how many tries have failed before this one
 * @param chance - from 0 to 1
 */
export function waitAfter(
    error: Error,
    failed: number,
    chance: number,
    isStream: boolean,
): number | undefined {
    if (!(error instanceof StatusError)) return undefined;
    const told = error.details.retryAfterMs;
    const isFull = error instanceof ResourceExhaustedError && told !== undefined;
    const stoodStill = error instanceof DeadlineExceededError && isStream;
    if (!(error instanceof UnavailableError || isFull || stoodStill)) return undefined;
    const own = Math.min(LONGEST_MS, FIRST_MS * 2 ** failed);
    return (told ?? own / 2) + (chance * own) / 2;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
        const abort = () => {
            clearTimeout(timer);
            reject(statusError(signal?.reason, signal));
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener("abort", abort);
            resolve();
        }, ms);
        if (signal?.aborted === true) abort();
        else signal?.addEventListener("abort", abort, { once: true });
    });
}
