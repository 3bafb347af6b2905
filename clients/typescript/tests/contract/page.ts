/**
 * The suite in a page, over gRPC-Web. What a page cannot do, the program around it does.
 */
import { Client } from "@linfa-serve/client/web";

import type { File } from "./file.js";
import { runAll } from "./suite.js";

/** What the program around the page gives it, and the page gives the program. */
interface Around {
    contractCommand: (...words: string[]) => Promise<string>;
    contractMemory: () => Promise<number>;
    contractSay: (line: string) => Promise<void>;
    contract?: (
        file: File,
        server: string,
        keys: Record<"full" | "narrow" | "none", string>,
    ) => Promise<boolean>;
}

const around = globalThis as unknown as Around;

around.contract = (file, server, keys) =>
    runAll(file, {
        connect: (key, options) => new Client(server, { ...options, apiKey: keys[key] }),
        command: around.contractCommand,
        memory: around.contractMemory,
        say: (line) => void around.contractSay(line),
    });
