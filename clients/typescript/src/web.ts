/**
 * The client for browsers, over gRPC-Web. The server must have gRPC-Web enabled for the page's origin.
 *
 * @module
 */
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { baseUrl } from "./address.js";
import { exchangeByCalls } from "./by-calls.js";
import { BaseClient } from "./client.js";
import { bearer } from "./key.js";
import type { ClientOptions } from "./options.js";

export * from "./shared.js";

/**
 * A client over gRPC-Web.
 *
 * @example
 * ```ts
 * const client = new Client("https://models.example", { apiKey });
 * const answer = await client.predict("iris", [[5.1, 3.5, 1.4, 0.2]]);
 * ```
 */
export class Client extends BaseClient {
    /**
     * @param address - as in `https://models.example`
     * @throws {@link OptionError}
     */
    constructor(address: string, options: ClientOptions = {}) {
        const interceptors = options.apiKey === undefined ? [] : [bearer("apiKey", options.apiKey)];
        super(createGrpcWebTransport({ baseUrl: baseUrl(address), interceptors }), exchangeByCalls, options);
    }
}
