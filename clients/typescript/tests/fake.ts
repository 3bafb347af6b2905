/**
 * A server that answers as a test wants it to, over true HTTP/2 on a port of its own.
 */
import { createServer as createPlainServer } from "node:http";
import { createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, cors, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

import {
    ModelService,
    PredictResponseSchema,
    PredictService,
    RetryInfoSchema,
    type PredictRequest,
} from "@linfa-serve/client/pb";

type Answers = Partial<ServiceImpl<typeof PredictService>> & Partial<ServiceImpl<typeof ModelService>>;

function handler(answers: Answers) {
    return connectNodeAdapter({
        routes: (router) => {
            router.service(PredictService, answers);
            router.service(ModelService, answers);
        },
    });
}

/** A server over HTTP/1.1 that pages of every origin may ask by gRPC-Web; its address. It ends with the test. */
export async function startForPages(t: TestContext, answers: Answers): Promise<string> {
    const answer = handler(answers);
    const server = createPlainServer((request, response) => {
        response.setHeader("access-control-allow-origin", "*");
        response.setHeader("access-control-allow-headers", [...cors.allowedHeaders, "authorization"].join());
        response.setHeader("access-control-expose-headers", cors.exposedHeaders.join());
        if (request.method === "OPTIONS") response.end();
        else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
        server.closeAllConnections();
        server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that can be stopped, with all its connections, and started again on the same port. */
export class Fake {
    readonly #sessions = new Set<ServerHttp2Session>();
    readonly #server;

    private constructor(answers: Answers) {
        this.#server = createServer(handler(answers));
        this.#server.on("session", (session) => {
            this.#sessions.add(session);
            session.on("close", () => this.#sessions.delete(session));
        });
    }

    /** One that stops with the test. */
    static async start(t: TestContext, answers: Answers): Promise<Fake> {
        const fake = new Fake(answers);
        await fake.listen(0);
        t.after(() => fake.stop());
        return fake;
    }

    get port(): number {
        return (this.#server.address() as AddressInfo).port;
    }

    get address(): string {
        return `http://127.0.0.1:${this.port}`;
    }

    listen(port: number): Promise<void> {
        return new Promise((resolve, reject) => {
            this.#server.once("error", reject);
            this.#server.listen(port, "127.0.0.1", resolve);
        });
    }

    /** Breaks every connection. */
    stop(): Promise<void> {
        return new Promise((resolve) => {
            this.#server.close(() => {
                resolve();
            });
            for (const session of this.#sessions) session.destroy();
        });
    }
}

/** An address at which nothing answers. */
export async function nobody(t: TestContext): Promise<string> {
    const fake = await Fake.start(t, {});
    const { address } = fake;
    await fake.stop();
    return address;
}

/** Rows of 64-bit floats of a request. */
export function rowsOf(request: PredictRequest): number[][] {
    if (request.input.case !== "matrix") return [];
    const { f64Le, columns } = request.input.value;
    const values = new Float64Array(f64Le.slice().buffer);
    return Array.from({ length: values.length / columns }, (_, row) => [
        ...values.subarray(row * columns, (row + 1) * columns),
    ]);
}

/** An answer of one model: the sum of each row. */
export function sums(request: PredictRequest): MessageInitShape<typeof PredictResponseSchema> {
    return regression(rowsOf(request).map((row) => row.reduce((sum, value) => sum + value, 0)));
}

export function regression(values: number[]): MessageInitShape<typeof PredictResponseSchema> {
    return {
        model: { name: "sum", version: 1n, digest: "sha256:0" },
        prediction: { case: "regression", value: { values, targets: ["sum"] } },
    };
}

/** What a server says that wants to be asked again. */
export function askAgain(code: Code, ms: number): ConnectError {
    const retryDelay = { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
    return new ConnectError("try again shortly", code, undefined, [
        { desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) },
    ]);
}
