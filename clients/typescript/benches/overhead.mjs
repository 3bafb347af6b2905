/**
 * What a call costs by the client, over the same call by the generated stub alone: one interleaved run for each batch.
 *
 *     node benches/overhead.mjs http://127.0.0.1:50051 KEY_FILE
 *
 * The stub gets a request whose bytes are packed already, and its answer is left as it came. The client gets rows as
 * arrays of numbers, checks and packs them, and makes a typed answer.
 */
import { readFileSync } from "node:fs";

import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { Client } from "@linfa-serve/client";
import { MatrixSchema, PredictRequestSchema, PredictService } from "@linfa-serve/client/pb";

/** How many pairs of calls are measured for each batch. */
const PAIRS = 2000;
/** How many go before them, so that code is compiled and connections are open. */
const WARM_UP = 300;
const FLOWER = [5.1, 3.5, 1.4, 0.2];

const [address, apiKeyFile] = process.argv.slice(2);
if (apiKeyFile === undefined) throw new Error("node benches/overhead.mjs ADDRESS KEY_FILE");

const client = new Client(address, { apiKeyFile });
const authorization = `Bearer ${readFileSync(apiKeyFile, "utf8").trim()}`;
const stub = createClient(PredictService, createGrpcTransport({ baseUrl: address }));

for (const batch of [1, 1000]) {
    const rows = Array.from({ length: batch }, () => [...FLOWER]);
    const f64Le = new Uint8Array(Float64Array.from(rows.flat()).buffer);
    const matrix = create(MatrixSchema, { columns: FLOWER.length, f64Le });
    const request = create(PredictRequestSchema, { model: "iris", input: { case: "matrix", value: matrix } });
    const bare = () => stub.predict(request, { headers: { authorization }, timeoutMs: 10_000 });
    const ours = () => client.predict("iris", rows);

    const spent = { bare: [], ours: [] };
    for (let pair = -WARM_UP; pair < PAIRS; pair++) {
        // Which of the two goes first changes, so that neither always pays for the other's garbage.
        const order = pair % 2 === 0 ? ["bare", "ours"] : ["ours", "bare"];
        for (const name of order) {
            const begun = performance.now();
            await (name === "bare" ? bare() : ours());
            if (pair >= 0) spent[name].push(performance.now() - begun);
        }
    }
    const [bareMs, oursMs] = [median(spent.bare), median(spent.ours)];
    const microseconds = (ms) => `${(1000 * ms).toFixed(0)} us`;
    const ratio = (oursMs / bareMs).toFixed(3);
    console.log(
        `batch ${batch}: stub ${microseconds(bareMs)}, client ${microseconds(oursMs)}, ratio ${ratio}`,
    );
}

function median(values) {
    return values.sort((a, b) => a - b)[values.length >> 1];
}
