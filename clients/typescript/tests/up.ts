/**
 * `linfactl up`: a true server with the repository's iris, on a port and in a folder of its own.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

/** The root of the repository, from `clients/typescript/build/tests`. */
const REPOSITORY = fileURLToPath(new URL("../../../../", import.meta.url));
const LINFACTL = process.env["LINFACTL"] ?? join(REPOSITORY, "target/debug/linfactl");

export interface Up {
    readonly address: string;
    readonly apiKeyFile: string;
}

/** One that is ready, and ends with the test. */
export async function up(t: TestContext): Promise<Up> {
    const folder = await mkdtemp(join(tmpdir(), "up-"));
    const models = join(REPOSITORY, "models");
    const options = ["--listen", "127.0.0.1:0", "--models", models, "--data", folder, "--logs", folder];
    const child = spawn(LINFACTL, ["up", ...options], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<void>((resolve) =>
        child.once("close", () => {
            resolve();
        }),
    );
    t.after(async () => {
        child.kill();
        await ended;
        await rm(folder, { recursive: true });
    });
    const missing = new Promise<never>((_, reject) => {
        child.once("error", ({ message }) => {
            reject(new Error(`${message}; \`cargo build -p linfactl\` makes it`));
        });
    });
    return Promise.race([ready(createInterface(child.stdout)), missing]);
}

/** Reads what it says until it is ready. */
async function ready(lines: AsyncIterable<string>): Promise<Up> {
    let address = "";
    let apiKeyFile = "";
    for await (const line of lines) {
        address = /^listening on ([^,]+)/.exec(line)?.[1] ?? address;
        apiKeyFile = /^key +(.+)$/.exec(line)?.[1] ?? apiKeyFile;
        if (line.includes("Ctrl-C stops it")) return { address: `http://${address}`, apiKeyFile };
    }
    throw new Error("linfactl up has ended before it was ready");
}
