/**
 * The suite in headless Chromium.
 */
import { open } from "../chromium.js";
import type { File } from "./file.js";
import { cases, command, keys, variable } from "./surroundings.js";

type Contract = (file: File, server: string, keys: Record<string, string>) => Promise<boolean>;

const { page, memory, close } = await open(
    new URL("./page.js", import.meta.url),
    Number(new URL(variable("CONTRACT_ORIGIN")).port),
);
try {
    await page.exposeFunction("contractCommand", command);
    await page.exposeFunction("contractMemory", memory);
    await page.exposeFunction("contractSay", (line: string) => {
        console.log(line);
    });
    const told = { file: await cases(), server: variable("CONTRACT_SERVER"), keys: await keys() };
    const holds = await page.evaluate(
        ({ file, server, keys }) =>
            (globalThis as unknown as { contract: Contract }).contract(file, server, keys),
        told,
    );
    process.exitCode = holds ? 0 : 1;
} finally {
    await close();
}
