/**
 * What a server says instead of an answer: one class per gRPC status, each with the decoded google.rpc details.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Duration } from "@bufbuild/protobuf/wkt";

import { LinfaServeError } from "./errors.js";
import {
    BadRequestSchema,
    ErrorInfoSchema,
    PreconditionFailureSchema,
    ResourceInfoSchema,
    RetryInfoSchema,
    type BadRequest_FieldViolation,
    type ErrorInfo,
} from "./gen/google/rpc/error_details_pb.js";

/** One way in which an input does not fit the model. */
export interface Violation {
    /** The path of the field in the request, as in `matrix.f64_le[3]`. */
    readonly field: string;
    /** The rule that it breaks, as in `NOT_FINITE`. */
    readonly reason: string;
    /** What was expected and what came, as a sentence. */
    readonly description: string;
    /** The row, from 0. This and what follows is said of the first violation alone, as far as it makes sense. */
    readonly row?: number | undefined;
    /** The column's name. */
    readonly column?: string | undefined;
    /** What would be right, as in `a finite number`. */
    readonly expected?: string | undefined;
    /** What came, as in `NaN or an infinity`. */
    readonly got?: string | undefined;
}

/** What does not exist. */
export interface Resource {
    /** `model`, `version` or `label`. */
    readonly type: string;
    /** Its name, as in `iris/9`. */
    readonly name: string;
}

/** What keeps a version from answering. */
export interface Precondition {
    /** The check that it failed, or `policy`. */
    readonly type: string;
    /** The version, as in `iris/3`. */
    readonly subject: string;
    /** Why, as a sentence. */
    readonly description: string;
}

/** A reason for programs. */
export interface Reason {
    /** As in `RESULT_NOT_FINITE`. */
    readonly reason: string;
    /** Its values by name, such as `row`. */
    readonly metadata: Readonly<Record<string, string>>;
}

/** The decoded google.rpc details of a status. */
export interface Details {
    /** What is wrong with the input: of INVALID_ARGUMENT and OUT_OF_RANGE. */
    readonly violations: readonly Violation[];
    /** What does not exist: of NOT_FOUND. */
    readonly resource?: Resource | undefined;
    /** What is in the way: of FAILED_PRECONDITION. */
    readonly preconditions: readonly Precondition[];
    /** How long to wait before another try, in milliseconds: of UNAVAILABLE and RESOURCE_EXHAUSTED. */
    readonly retryAfterMs?: number | undefined;
    /** The reason and its values: of INVALID_ARGUMENT and OUT_OF_RANGE. */
    readonly info?: Reason | undefined;
}

/** A call that ended with a status other than OK. Its subclasses are the statuses. */
export class StatusError extends LinfaServeError {
    /**
     * @param code - the status, as gRPC writes it: `NOT_FOUND`
     * @param message - a sentence for people
     * @param details - the same for programs
     */
    constructor(
        readonly code: string,
        message: string,
        readonly details: Details,
        options?: ErrorOptions,
    ) {
        super(message, options);
    }
}

/** INVALID_ARGUMENT: the input does not fit the model. `details.violations` says where. */
export class InvalidArgumentError extends StatusError {}

/** OUT_OF_RANGE: a finite input whose result is not finite. `details.violations` says which row. */
export class OutOfRangeError extends StatusError {}

/** NOT_FOUND: no such model, version or label. `details.resource` says which. */
export class NotFoundError extends StatusError {}

/** FAILED_PRECONDITION: that version was rejected, or the policy does not serve it. `details.preconditions` says why. */
export class FailedPreconditionError extends StatusError {}

/** UNAVAILABLE: the server cannot be reached, is stopping, or has not judged that version yet. */
export class UnavailableError extends StatusError {}

/** RESOURCE_EXHAUSTED: the server is full, or the message is too large. */
export class ResourceExhaustedError extends StatusError {}

/** DEADLINE_EXCEEDED: the deadline passed before there was an answer. */
export class DeadlineExceededError extends StatusError {}

/** CANCELLED: the caller's signal was aborted. */
export class CancelledError extends StatusError {}

/** UNAUTHENTICATED: no key, or one that is unknown or has expired. */
export class UnauthenticatedError extends StatusError {}

/** PERMISSION_DENIED: the key lacks the scope that the message names. */
export class PermissionDeniedError extends StatusError {}

/** INTERNAL: a bug of the server. Its log has more under the id that the message names. */
export class InternalError extends StatusError {}

const STATUSES: Record<Code, [string, typeof StatusError]> = {
    [Code.Canceled]: ["CANCELLED", CancelledError],
    [Code.Unknown]: ["UNKNOWN", StatusError],
    [Code.InvalidArgument]: ["INVALID_ARGUMENT", InvalidArgumentError],
    [Code.DeadlineExceeded]: ["DEADLINE_EXCEEDED", DeadlineExceededError],
    [Code.NotFound]: ["NOT_FOUND", NotFoundError],
    [Code.AlreadyExists]: ["ALREADY_EXISTS", StatusError],
    [Code.PermissionDenied]: ["PERMISSION_DENIED", PermissionDeniedError],
    [Code.ResourceExhausted]: ["RESOURCE_EXHAUSTED", ResourceExhaustedError],
    [Code.FailedPrecondition]: ["FAILED_PRECONDITION", FailedPreconditionError],
    [Code.Aborted]: ["ABORTED", StatusError],
    [Code.OutOfRange]: ["OUT_OF_RANGE", OutOfRangeError],
    [Code.Unimplemented]: ["UNIMPLEMENTED", StatusError],
    [Code.Internal]: ["INTERNAL", InternalError],
    [Code.Unavailable]: ["UNAVAILABLE", UnavailableError],
    [Code.DataLoss]: ["DATA_LOSS", StatusError],
    [Code.Unauthenticated]: ["UNAUTHENTICATED", UnauthenticatedError],
};

/**
 * What connect calls a connection that could not be made or broke. Where no server has sent such a status, and no caller
 * has cancelled, a server cannot be reached.
 */
const BROKEN = [Code.Canceled, Code.Unknown, Code.Aborted, Code.Internal, Code.Unavailable];

/**
 * The error of this package for what connect has thrown.
 *
 * @internal
 * @param signal - the caller's
 * @param isLate - the deadline has passed, so that it is of no matter how the connection broke
 */
export function statusError(cause: unknown, signal?: AbortSignal, isLate = false): LinfaServeError {
    if (cause instanceof LinfaServeError) return cause;
    const error = ConnectError.from(cause);
    if (error.metadata.has("grpc-status")) return statusOf(error.code, error.rawMessage, error);
    if (signal?.aborted === true) return statusOf(Code.Canceled, "the caller has cancelled the call", error);
    if (!BROKEN.includes(error.code)) return statusOf(error.code, error.rawMessage, error);
    if (isLate)
        return statusOf(Code.DeadlineExceeded, "the deadline passed before there was an answer", error);
    return statusOf(Code.Unavailable, `the server cannot be reached: ${error.rawMessage}`, error);
}

function statusOf(code: Code, message: string, error: ConnectError): StatusError {
    const [name, Class] = STATUSES[code];
    return new Class(name, message, details(error), { cause: error });
}

function details(error: ConnectError): Details {
    const [resource] = error.findDetails(ResourceInfoSchema);
    const [info] = error.findDetails(ErrorInfoSchema);
    const [retry] = error.findDetails(RetryInfoSchema);
    const [first, ...others] = error
        .findDetails(BadRequestSchema)
        .flatMap((bad) => bad.fieldViolations.map(violation));
    return {
        violations: first === undefined ? [] : [{ ...first, ...placed(first, info) }, ...others],
        resource: resource && { type: resource.resourceType, name: resource.resourceName },
        preconditions: error
            .findDetails(PreconditionFailureSchema)
            .flatMap((failure) => failure.violations)
            .map(({ type, subject, description }) => ({ type, subject, description })),
        retryAfterMs: retry?.retryDelay && milliseconds(retry.retryDelay),
        info: info && { reason: info.reason, metadata: info.metadata },
    };
}

function violation({ field, reason, description }: BadRequest_FieldViolation): Violation {
    return { field, reason, description };
}

/** What the server says of the first violation for programs. */
function placed({ reason }: Violation, info: ErrorInfo | undefined): Partial<Violation> {
    const { row, column, expected, got } = info?.metadata ?? {};
    return {
        reason: reason === "" ? (info?.reason ?? "") : reason,
        row: row === undefined ? undefined : Number(row),
        column,
        expected,
        got,
    };
}

function milliseconds(duration: Duration): number {
    return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}
