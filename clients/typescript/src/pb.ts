/**
 * The generated messages and services, for what the client does not offer.
 *
 * @module
 */
export * from "./gen/google/rpc/error_details_pb.js";
export * from "./gen/linfa/serve/v1/model_pb.js";
export * from "./gen/linfa/serve/v1/predict_pb.js";
