/**
 * Many messages and their answers by a call for each. For browsers: fetch cannot stream a request.
 */
import type { Exchange } from "./chunks.js";

/** @param deadlineMs - how long one message may take if the stream has no deadline, in milliseconds */
export function exchangeByCalls(deadlineMs: number): Exchange {
    return async function* (stub, chunks, tries) {
        for (;;) {
            const next = await chunks.next();
            if (next.done === true) return;
            const { request, rows } = next.value;
            const response = await tries.run((options) =>
                stub.predict(request, { timeoutMs: deadlineMs, ...options }),
            );
            tries.progressed();
            yield { response, rows };
        }
    };
}
