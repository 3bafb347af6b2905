/**
 * What a suite is told by variables, and the program that changes what the server runs on.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

import type { File } from "./file.js";

/** A key that no server knows. */
const UNKNOWN_KEY = "lsk_nobody";

/** A variable that must be set. */
export function variable(name: string): string {
    const value = process.env[name];
    if (value === undefined) throw new Error(`${name} is not set; tests/contract/README.md says what it is`);
    return value;
}

export async function cases(): Promise<File> {
    return JSON.parse(await readFile(variable("CONTRACT_CASES"), "utf8")) as File;
}

export async function keys(): Promise<{ full: string; narrow: string; none: string }> {
    const key = async (name: string) => (await readFile(variable(name), "utf8")).trim();
    return {
        full: await key("CONTRACT_KEY_FILE"),
        narrow: await key("CONTRACT_NARROW_KEY_FILE"),
        none: UNKNOWN_KEY,
    };
}

/** Runs `$CONTRACT_DO` with these words, and gives what it prints. */
export async function command(...words: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(variable("CONTRACT_DO"), words);
    return stdout.trim();
}
