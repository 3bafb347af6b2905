/**
 * A page in headless Chromium, on an origin of its own.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { launch, type Browser, type Page } from "puppeteer-core";

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
    const browser = await launch({
        executablePath: CHROMIUM,
        // Chromium's sandbox wants a user other than root.
        args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
        // Whoever listens to the network makes the page keep all that comes over it.
        networkEnabled: false,
    });
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
    const inPage = await page.createCDPSession();
    await inPage.send("HeapProfiler.collectGarbage");
    await inPage.detach();
    const inBrowser = await browser.target().createCDPSession();
    const { processInfo } = await inBrowser.send("SystemInfo.getProcessInfo");
    await inBrowser.detach();
    const pages = processInfo.filter(({ type }) => type === "renderer");
    const sizes = await Promise.all(pages.map(({ id }) => readFile(`/proc/${id}/status`, "utf8")));
    const kib = sizes.map((status) => Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0));
    return kib.reduce((sum, size) => sum + size, 0) / 1024;
}
