/**
 * What a model answers: one type per task, told apart by `task`.
 */
import { MalformedAnswerError } from "./errors.js";
import type { ModelRef as RawModelRef, PredictResponse } from "./gen/linfa/serve/v1/predict_pb.js";

/** Numbers in rows and named columns: `rows x columns.length`. */
export class Table {
    /** Row-major, `rows x columns.length`. */
    readonly values: Float64Array;
    /** The names of the columns, in order. */
    readonly columns: readonly string[];
    /** How many rows. */
    readonly rows: number;

    /** @internal */
    constructor(values: readonly number[], columns: readonly string[], rows: number) {
        if (values.length !== rows * columns.length) {
            const got = `${values.length} values`;
            throw new MalformedAnswerError(`expected ${rows} rows of ${columns.length} values, got ${got}`);
        }
        this.values = new Float64Array(values);
        this.columns = columns;
        this.rows = rows;
    }

    /**
     * One row, as a view of {@link Table.values}.
     *
     * @param row - from 0
     * @throws RangeError if there is no such row
     */
    row(row: number): Float64Array {
        if (!(Number.isInteger(row) && row >= 0 && row < this.rows)) {
            throw new RangeError(`there are ${this.rows} rows, and no row ${row}`);
        }
        return this.values.subarray(row * this.columns.length, (row + 1) * this.columns.length);
    }

    /**
     * One column, copied.
     *
     * @param name - one of {@link Table.columns}
     * @throws RangeError if there is no such column
     */
    column(name: string): Float64Array {
        const at = this.columns.indexOf(name);
        if (at < 0) throw new RangeError(`there is no column \`${name}\`, but ${this.columns.join(", ")}`);
        return Float64Array.from(
            { length: this.rows },
            (_, row) => this.values[row * this.columns.length + at] ?? 0,
        );
    }
}

/** The version of a model that answered. */
export interface ModelRef {
    /** The model's name. */
    readonly name: string;
    /** Its version. */
    readonly version: bigint;
    /** Its identity: `sha256:` and 64 hexadecimal digits, the hash of its manifest. */
    readonly digest: string;
}

/** What every answer has. */
export interface Answer {
    /** The version that answered every row. */
    readonly model: ModelRef;
    /** How many rows were answered: as many as were sent. */
    readonly rows: number;
}

/** A class per row. */
export interface Classification extends Answer {
    /** Tells it apart. */
    readonly task: "classification";
    /** The class of each row, by name. */
    readonly labels: readonly string[];
    /** All classes of the model. */
    readonly classes: readonly string[];
    /** rows x classes; absent where the model gives none, as a single decision tree. */
    readonly probabilities?: Table | undefined;
}

/** Numbers per row. */
export interface Regression extends Answer {
    /** Tells it apart. */
    readonly task: "regression";
    /** rows x targets. */
    readonly values: Table;
}

/** A cluster per row. */
export interface Clustering extends Answer {
    /** Tells it apart. */
    readonly task: "clustering";
    /** The cluster of each row, from 0: the nearest, or the most probable. */
    readonly clusters: Uint32Array;
    /** rows x clusters, whose columns are named `0`, `1`, …: the distance to each centre. Absent of a mixture. */
    readonly distances?: Table | undefined;
    /** rows x clusters, named alike: the probability of each cluster. Absent unless the model is a mixture. */
    readonly probabilities?: Table | undefined;
}

/** Other rows in place of those that were sent. */
export interface Transformation extends Answer {
    /** Tells it apart. */
    readonly task: "transformation";
    /** rows x columns of the transformed rows. */
    readonly values: Table;
}

/** The answer to every row of a call, from one version of one model. */
export type Prediction = Classification | Regression | Clustering | Transformation;

/**
 * The typed answer to that many rows.
 *
 * @internal
 * @throws {@link MalformedAnswerError}
 */
export function prediction(response: PredictResponse, rows: number): Prediction {
    const common = { model: model(response.model), rows };
    switch (response.prediction.case) {
        case "classification": {
            const { labels, classes, probabilities } = response.prediction.value;
            return {
                ...common,
                task: "classification",
                labels: perRow(labels, rows),
                classes,
                probabilities: probabilities.length > 0 ? new Table(probabilities, classes, rows) : undefined,
            };
        }
        case "regression": {
            const { values, targets } = response.prediction.value;
            return { ...common, task: "regression", values: new Table(values, targets, rows) };
        }
        case "clustering": {
            const { cluster, distances, probabilities } = response.prediction.value;
            return {
                ...common,
                task: "clustering",
                clusters: Uint32Array.from(perRow(cluster, rows)),
                distances: perCluster(distances, rows),
                probabilities: perCluster(probabilities, rows),
            };
        }
        case "transformation": {
            const { values, names } = response.prediction.value;
            return { ...common, task: "transformation", values: new Table(values, names, rows) };
        }
        case undefined:
            throw new MalformedAnswerError("expected a prediction, got none that this client knows");
    }
}

function model(model: RawModelRef | undefined): ModelRef {
    if (model === undefined) throw new MalformedAnswerError("expected the model that answers, got none");
    return { name: model.name, version: model.version, digest: model.digest };
}

function perCluster(values: readonly number[], rows: number): Table | undefined {
    if (values.length === 0) return undefined;
    const names = Array.from({ length: Math.floor(values.length / rows) }, (_, cluster) => String(cluster));
    return new Table(values, names, rows);
}

function perRow<T>(values: readonly T[], rows: number): readonly T[] {
    if (values.length === rows) return values;
    throw new MalformedAnswerError(`expected an answer to each of ${rows} rows, got ${values.length}`);
}
