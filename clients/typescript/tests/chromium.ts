/**
 * A page in headless Chromium, on an origin of its own.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium, type Browser, type Page } from "playwright-core";

/** The system's own, as Debian's package `chromium` has it. */
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** A page that has run a script. */
export interface Opened {
    readonly page: Page;
    /** The memory of all pages after a collection, as the system counts it, in MiB. */
    readonly memory: () => Promise<number>;
    readonly close: () => Promise<void>;
}

/**
 * Opens a page.
 *
 * @param port - of its origin, `http://127.0.0.1:PORT`; 0 for one that is free
 */
export async function open(script: URL, port = 0): Promise<Opened> {
    const bundle = await build({
        entryPoints: [fileURLToPath(script)],
        bundle: true,
        format: "esm",
        target: "es2022",
        write: false,
    });
    const server = createServer((_, response) =>
        response.setHeader("content-type", "text/html").end("<!doctype html>"),
    );
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const browser = await chromium.launch({ executablePath: CHROMIUM });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? "", type: "module" });
    return {
        page,
        memory: () => memory(browser, page),
        close: async () => {
            await browser.close();
            server.close();
        },
    };
}

async function memory(browser: Browser, page: Page): Promise<number> {
    await page.requestGC();
    const session = await browser.newBrowserCDPSession();
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    await session.detach();
    const pages = processInfo.filter(({ type }) => type === "renderer");
    const sizes = await Promise.all(pages.map(({ id }) => readFile(`/proc/${id}/status`, "utf8")));
    const kib = sizes.map((status) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0));
    return kib.reduce((sum, size) => sum + size, 0) / 1024;
}
