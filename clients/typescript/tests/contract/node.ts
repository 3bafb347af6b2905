/**
 * The suite in Node, over gRPC.
 */
import { Client } from "@linfa-serve/client";

import { runAll } from "./suite.js";
import { cases, command, keys, variable } from "./surroundings.js";

const collect = globalThis.gc;
if (collect === undefined) throw new Error("node has to be started with --expose-gc");

const server = variable("CONTRACT_SERVER");
const apiKeys = await keys();
const holds = await runAll(await cases(), {
    connect: (key, options) => new Client(server, { ...options, apiKey: apiKeys[key] }),
    command,
    memory: () => {
        collect();
        return Promise.resolve(process.memoryUsage.rss() / 2 ** 20);
    },
    say: (line) => {
        console.log(line);
    },
});
process.exitCode = holds ? 0 : 1;
