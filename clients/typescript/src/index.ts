/**
 * The client for Node, over gRPC.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { baseUrl } from "./address.js";
import { balanced } from "./balance.js";
import { BaseClient } from "./client.js";
import { OptionError } from "./errors.js";
import { exchangeByStream } from "./by-stream.js";
import { bearer } from "./key.js";
import type { ClientOptions } from "./options.js";

export * from "./shared.js";

/**
 * How often a connection is asked whether the server is still there, while a call is under way on it, in milliseconds.
 * Without it a watch would wait for ever on a server that is cut off.
 */
const PING_MS = 30_000;
/** How long that may take, in milliseconds. */
const PING_TIMEOUT_MS = 10_000;

/** What holds for every call of a client in Node. */
export interface NodeOptions extends ClientOptions {
    /** A file that holds the API key, in place of `apiKey`. It is read once. */
    readonly apiKeyFile?: string | undefined;
    /** Certificates of an https address, where the system's own do not do. */
    readonly tls?: Pick<SecureClientSessionOptions, "ca" | "cert" | "key"> | undefined;
}

/**
 * A client over gRPC.
 *
 * @example
 * ```ts
 * const client = new Client("http://127.0.0.1:50051", { apiKeyFile: "secrets/client_api_key" });
 * const answer = await client.predict("iris", [[5.1, 3.5, 1.4, 0.2]]);
 * ```
 */
export class Client extends BaseClient {
    /**
     * Connects with the first call, not here.
     *
     * @param addresses - as in `http://127.0.0.1:50051`; of several, calls go to each in turn, and past those that do
     * not answer
     * @throws {@link OptionError}
     */
    constructor(addresses: string | readonly string[], options: NodeOptions = {}) {
        const key = keyOf(options);
        const transports = [addresses].flat().map((address) => grpc(address, key, options));
        const [only, another] = transports;
        if (only === undefined) throw new OptionError("addresses", "expected at least one, got none");
        super(another === undefined ? only : balanced(transports), () => exchangeByStream, options);
    }
}

function grpc(address: string, interceptors: Interceptor[], { tls }: NodeOptions): Transport {
    return createGrpcTransport({
        baseUrl: baseUrl(address),
        interceptors,
        pingIntervalMs: PING_MS,
        pingTimeoutMs: PING_TIMEOUT_MS,
        ...(tls !== undefined && { nodeOptions: tls }),
    });
}

function keyOf({ apiKey, apiKeyFile }: NodeOptions): Interceptor[] {
    if (apiKey !== undefined && apiKeyFile !== undefined) {
        throw new OptionError("apiKeyFile", "expected apiKey or apiKeyFile, got both");
    }
    if (apiKey !== undefined) return [bearer("apiKey", apiKey)];
    if (apiKeyFile === undefined) return [];
    let text;
    try {
        text = readFileSync(apiKeyFile, "utf8");
    } catch (cause) {
        throw new OptionError("apiKeyFile", cause instanceof Error ? cause.message : "it cannot be read", {
            cause,
        });
    }
    return [bearer("apiKeyFile", text.trimEnd())];
}
