/**
 * What may be set for a client and for a call, with its defaults and checks.
 */
import { OptionError } from "./errors.js";

/** How long a call may take with all its tries, in milliseconds, unless an option says otherwise. */
export const DEADLINE_MS = 10_000;
/** How often a call is tried again, unless an option says otherwise. */
export const RETRIES = 4;
/** How many rows one message of a stream holds, unless an option says otherwise. */
export const CHUNK_ROWS = 1000;

/** The longest deadline that gRPC can tell in milliseconds, some 27 hours: it has 8 digits for it. */
const MAX_MS = 99_999_999;

/** What holds for every call of a client. */
export interface ClientOptions {
    /** The API key. It is sent with every call and shown by nothing. */
    readonly apiKey?: string | undefined;
    /** How long a call may take with all its tries, in milliseconds: {@link DEADLINE_MS} unless said. */
    readonly deadlineMs?: number | undefined;
    /**
     * How often a call is tried again that ended with UNAVAILABLE, or with RESOURCE_EXHAUSTED and a time to wait:
     * {@link RETRIES} unless said. Each wait is at least what the server asks for, and else twice the one before.
     */
    readonly retries?: number | undefined;
}

/** What holds for one call. */
export interface CallOptions {
    /** How long it may take with all its tries, in milliseconds: the client's unless said. */
    readonly deadlineMs?: number | undefined;
    /** Cancels it: the call ends with a {@link CancelledError}. */
    readonly signal?: AbortSignal | undefined;
}

/** Which version answers: the one that the model's policy says, unless one of these is set. */
export interface PredictOptions extends CallOptions {
    /** That version. */
    readonly version?: number | bigint | undefined;
    /** The version that has this label. */
    readonly label?: string | undefined;
}

/** How far a stream has come. */
export interface Progress {
    /** How many rows have been answered. */
    readonly rows: number;
    /** How many there are in all; absent where they come from an iterable. */
    readonly total?: number | undefined;
}

/** What holds for one stream. */
export interface StreamOptions extends PredictOptions {
    /** How long the whole stream may take, in milliseconds: as long as it wants unless said. */
    readonly deadlineMs?: number | undefined;
    /** How many rows one message holds at most: {@link CHUNK_ROWS} unless said. */
    readonly chunkRows?: number | undefined;
    /** Is told after each answer. */
    readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What holds for a watch. */
export interface WatchOptions {
    /** Ends the watch: it throws a {@link CancelledError}. */
    readonly signal?: AbortSignal | undefined;
}

/**
 * What is left until a moment of `performance.now()`, as a deadline of connect and gRPC: whole milliseconds, of which 0
 * would stand for no deadline.
 *
 * @internal
 */
export function msUntil(moment: number): number {
    return Math.max(1, Math.ceil(moment - performance.now()));
}

/** @internal */
export function deadlineOf(deadlineMs: number): number {
    if (deadlineMs > 0 && deadlineMs <= MAX_MS) return deadlineMs;
    throw new OptionError(
        "deadlineMs",
        `expected more than 0 and at most ${MAX_MS} milliseconds, got ${deadlineMs}`,
    );
}

/** @internal */
export function wholeNumber(option: string, value: number, least: number): number {
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new OptionError(option, `expected a whole number of at least ${least}, got ${value}`);
}

/**
 * The part of a request that says which version answers.
 *
 * @internal
 */
export function choice({ version, label }: PredictOptions) {
    if (version !== undefined && label !== undefined)
        throw new OptionError("label", "expected a version or a label, got both");
    if (label !== undefined) {
        if (label === "") throw new OptionError("label", "expected a name, got an empty one");
        return { case: "label", value: label } as const;
    }
    if (version === undefined) return { case: undefined };
    const number = typeof version === "bigint" ? version : BigInt(wholeNumber("version", version, 1));
    if (number < 1n || number >= 2n ** 64n)
        throw new OptionError("version", `expected a version from 1, got ${number}`);
    return { case: "version", value: number } as const;
}
