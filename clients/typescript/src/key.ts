/**
 * The API key: the one secret that a client holds.
 */
import type { Interceptor } from "@connectrpc/connect";

import { OptionError } from "./errors.js";

/**
 * Adds `authorization: Bearer KEY` to every call.
 *
 * @internal
 * @throws {@link OptionError} if no header can carry it; it is not repeated, since it may be a secret all the same
 */
export function bearer(option: string, key: string): Interceptor {
    if (!/^[\x21-\x7e]+$/.test(key)) {
        throw new OptionError(option, "the key is empty or has characters that no key has");
    }
    const authorization = `Bearer ${key}`;
    return (next) => (request) => {
        request.header.set("authorization", authorization);
        return next(request);
    };
}
