/**
 * What is served, what was refused and why; and how that changes.
 */
import type { Catalog, Model, WatchModelsResponse } from "./gen/linfa/serve/v1/model_pb.js";

/** Every model at one moment. */
export interface Models {
    /** All of them, by name. */
    readonly models: readonly Model[];
    /** The catalog that tells of them; absent before the first one. */
    readonly catalog?: Catalog | undefined;
}

/** Every model, and what is not as it was before. */
export interface ModelsChange extends Models {
    /** The names of those that are new or have changed; at first all. */
    readonly changed: readonly string[];
    /** The names of those that are no more. */
    readonly removed: readonly string[];
}

/**
 * Keeps the whole state, and adds each message of a watch to it.
 *
 * @internal
 */
export class Watched {
    #models = new Map<string, Model>();

    /** @param isWhole - it is the first message of a stream, which names all models */
    change(message: WatchModelsResponse, isWhole: boolean): ModelsChange {
        const before = this.#models;
        const after = new Map(isWhole ? [] : before);
        for (const name of message.removed) after.delete(name);
        for (const model of message.models) after.set(model.name, model);
        this.#models = after;
        return {
            models: [...after.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
            catalog: message.catalog,
            changed: message.models.map((model) => model.name),
            removed: [...before.keys()].filter((name) => !after.has(name)),
        };
    }
}
