/**
 * What both entry points give out.
 */
export { BaseClient } from "./client.js";
export {
    Feature_Kind as FeatureKind,
    ModelVersion_State as ModelState,
    type Catalog,
    type Check,
    type Feature,
    type Model,
    type ModelVersion,
    type Refusal,
    type Signature,
} from "./gen/linfa/serve/v1/model_pb.js";
export { InputError, LinfaServeError, MalformedAnswerError, OptionError, type InputFault } from "./errors.js";
export type { Columns, Matrix, Numbers, Rows } from "./input.js";
export type { Models, ModelsChange } from "./models.js";
export {
    CHUNK_ROWS,
    DEADLINE_MS,
    RETRIES,
    type CallOptions,
    type ClientOptions,
    type PredictOptions,
    type Progress,
    type StreamOptions,
    type WatchOptions,
} from "./options.js";
export {
    Table,
    type Answer,
    type Classification,
    type Clustering,
    type ModelRef,
    type Prediction,
    type Regression,
    type Transformation,
} from "./prediction.js";
export {
    CancelledError,
    DeadlineExceededError,
    FailedPreconditionError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    ResourceExhaustedError,
    StatusError,
    UnauthenticatedError,
    UnavailableError,
    type Details,
    type Precondition,
    type Reason,
    type Resource,
    type Violation,
} from "./status.js";
