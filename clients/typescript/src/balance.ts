/**
 * Several addresses behind one transport: calls go round, and past an address that does not answer.
 */
import type { Transport } from "@connectrpc/connect";

import { msUntil } from "./options.js";
import { statusError, UnavailableError } from "./status.js";

/** How long an address that could not be reached is only the last resort, in milliseconds. */
const REST_MS = 1_000;

/**
 * A transport over several. A call that ends with UNAVAILABLE goes to the next address at once, a stream only before its
 * beginning.
 */
export function balanced(transports: readonly Transport[]): Transport {
    const addresses = transports.map((transport) => ({ transport, restsUntil: 0 }));
    let turn = Math.floor(Math.random() * addresses.length);

    /** All of them, beginning with the one whose turn it is; those that rest come last. */
    function inTurn() {
        const from = turn++ % addresses.length;
        const order = [...addresses.slice(from), ...addresses.slice(0, from)];
        const rests = (address: (typeof order)[number]) => Number(address.restsUntil > performance.now());
        return order.sort((a, b) => rests(a) - rests(b));
    }

    async function first<T>(
        signal: AbortSignal | undefined,
        tries: number,
        call: (transport: Transport) => Promise<T>,
    ): Promise<T> {
        let failure: unknown;
        for (const address of inTurn().slice(0, tries)) {
            try {
                return await call(address.transport);
            } catch (cause) {
                failure = cause;
                if (!(statusError(cause, signal) instanceof UnavailableError)) break;
                address.restsUntil = performance.now() + REST_MS;
            }
        }
        throw failure;
    }

    return {
        unary: (method, signal, timeoutMs, ...rest) => {
            const ends = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
            return first(signal, addresses.length, (transport) => {
                const left = ends === undefined ? undefined : msUntil(ends);
                return transport.unary(method, signal, left, ...rest);
            });
        },
        stream: (method, signal, ...rest) => {
            // What has been taken from a stream of requests cannot be sent to another address.
            const tries = method.methodKind === "server_streaming" ? addresses.length : 1;
            return first(signal, tries, (transport) => transport.stream(method, signal, ...rest));
        },
    };
}
