/**
 * The rows that a caller gives: what forms they may have, the checks of them, and how they are packed. Nothing here is
 * sent.
 */
import { create } from "@bufbuild/protobuf";

import { InputError } from "./errors.js";
import {
    ColumnSchema,
    FrameSchema,
    MatrixSchema,
    type PredictRequest,
} from "./gen/linfa/serve/v1/predict_pb.js";

/** Numbers of one feature. */
export type Numbers = readonly number[] | Float64Array | Float32Array | Int32Array;

/** Rows by position, row after row: `values.length / columns` rows. 32-bit floats are widened exactly. */
export interface Matrix {
    /** The values, row-major. Must not change while the call is under way, since they are not copied. */
    readonly values: Float64Array | Float32Array;
    /** Values per row: the model's number of features. */
    readonly columns: number;
}

/** Rows by feature name, in any order: one value per row in each column, all of one length. */
export type Columns = Readonly<Record<string, Numbers | readonly string[]>>;

/**
 * The rows to predict: an array of rows by position, a {@link Matrix}, or {@link Columns} by name. Columns of strings
 * are for models that start from text. NaN is sent as it is: the server takes it where the model fills gaps.
 */
export type Rows = readonly (readonly number[])[] | Matrix | Columns;

type Packed = PredictRequest["input"];

/**
 * Rows that have been checked, so that packing cannot fail.
 *
 * @internal
 */
export interface Checked {
    /** How many, at least 1. */
    readonly rows: number;
    /** Rows `from` up to but without `to`, as a request holds them. */
    pack(from: number, to: number): Packed;
}

/**
 * Checks all rows.
 *
 * @internal
 * @throws {@link InputError}
 */
export function checked(rows: Rows): Checked {
    // The types say less than what callers without a type checker may pass.
    const given: unknown = rows;
    if (Array.isArray(given)) return rowsByPosition(given);
    if (typeof given !== "object" || given === null || ArrayBuffer.isView(given) || given instanceof Date) {
        throw new InputError({
            expected: "an array of rows, { values, columns } or a record of columns by name",
            got: kind(given),
        });
    }
    if ("columns" in given && !isArray(given.columns)) return matrix(given);
    return columnsByName(given);
}

function rowsByPosition(rows: readonly unknown[]): Checked {
    const [first] = rows;
    if (rows.length === 0) throw new InputError({ expected: "at least one row", got: "none" });
    if (typeof first === "number") {
        throw new InputError({
            row: 0,
            expected: "an array of numbers, so one row is [[…]]",
            got: "a number",
        });
    }
    const width = isArray(first) ? first.length : 0;
    if (width === 0)
        throw new InputError({ row: 0, expected: "an array of at least one number", got: kind(first) });
    for (let row = 0; row < rows.length; row++) {
        const cells = rows[row];
        if (!isArray(cells))
            throw new InputError({ row, expected: `an array of ${width} numbers`, got: kind(cells) });
        if (cells.length !== width) {
            throw new InputError({ row, expected: `${width} values as in row 0`, got: String(cells.length) });
        }
        for (let column = 0; column < width; column++) {
            if (typeof cells[column] !== "number") throw notANumber(row, column, cells[column]);
        }
    }
    const proven = rows as readonly (readonly number[])[];
    return {
        rows: rows.length,
        pack(from, to) {
            const values = new Float64Array((to - from) * width);
            for (let row = from; row < to; row++) values.set(proven[row] ?? [], (row - from) * width);
            return f64(values, width);
        },
    };
}

function matrix({ values, columns, ...others }: Record<string, unknown>): Checked {
    if (typeof columns !== "number" || !Number.isSafeInteger(columns) || columns < 1) {
        const got = typeof columns === "number" ? String(columns) : kind(columns);
        throw new InputError({ expected: "columns to be a whole number of at least 1", got });
    }
    const [other] = Object.keys(others);
    if (other !== undefined)
        throw new InputError({ expected: "values and columns alone", got: `\`${other}\` too` });
    if (!(values instanceof Float64Array || values instanceof Float32Array)) {
        throw new InputError({ expected: "values to be a Float64Array or Float32Array", got: kind(values) });
    }
    if (values.length === 0) throw new InputError({ expected: "at least one row", got: "none" });
    if (values.length % columns !== 0) {
        throw new InputError({ expected: `rows of ${columns} values`, got: `${values.length} values` });
    }
    return {
        rows: values.length / columns,
        pack(from, to) {
            const part = values.subarray(from * columns, to * columns);
            return part instanceof Float64Array ? f64(part, columns) : f32(part, columns);
        },
    };
}

function columnsByName(columns: object): Checked {
    const packers = Object.entries(columns).map(([name, cells]) => column(name, cells));
    const [first] = packers;
    if (first === undefined) throw new InputError({ expected: "at least one column", got: "none" });
    const { rows } = first;
    for (const column of packers) {
        if (column.rows !== rows) {
            const expected = `${rows} values as in \`${first.name}\``;
            throw new InputError({ column: column.name, expected, got: String(column.rows) });
        }
    }
    if (rows === 0) throw new InputError({ expected: "at least one row", got: "none" });
    return {
        rows,
        pack: (from, to) => ({
            case: "frame",
            value: create(FrameSchema, { columns: packers.map((column) => column.pack(from, to)) }),
        }),
    };
}

/** A column of numbers alone or of strings alone. */
function column(name: string, cells: unknown) {
    if (!isArray(cells)) {
        throw new InputError({
            column: name,
            expected: "an array of numbers or of strings",
            got: kind(cells),
        });
    }
    const rows = cells.length;
    const part = (from: number, to: number): unknown[] => Array.prototype.slice.call(cells, from, to);
    if (typeof cells[0] === "string") {
        for (let row = 0; row < rows; row++) {
            if (typeof cells[row] !== "string") {
                throw unlike("a string as in row 0", "an empty one", row, name, cells[row]);
            }
        }
        const pack = (from: number, to: number) =>
            create(ColumnSchema, { name, texts: part(from, to) as string[] });
        return { name, rows, pack };
    }
    for (let row = 0; row < rows; row++) {
        if (typeof cells[row] !== "number") throw notANumber(row, name, cells[row]);
    }
    const pack = (from: number, to: number) =>
        create(ColumnSchema, { name, values: part(from, to) as number[] });
    return { name, rows, pack };
}

function isArray(value: unknown): value is ArrayLike<unknown> {
    return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

function notANumber(row: number, column: string | number, cell: unknown): InputError {
    return unlike("a number", "NaN", row, column, cell);
}

/** @param gap - what stands for no value */
function unlike(right: string, gap: string, row: number, column: string | number, cell: unknown): InputError {
    const isGap = cell === null || cell === undefined;
    const expected = isGap ? `${right} (${gap} for a gap that the model fills)` : right;
    return new InputError({ row, column, expected, got: kind(cell) });
}

/** What a value is, for a sentence. */
function kind(value: unknown): string {
    if (value === null || value === undefined) return String(value);
    if (typeof value !== "object") return `a ${typeof value}`;
    if (isArray(value) && value.length === 0) return "an empty array";
    const { constructor } = value as { constructor?: { name: string } };
    return `an object of ${constructor?.name ?? "no class"}`;
}

function f64(values: Float64Array, columns: number): Packed {
    return { case: "matrix", value: create(MatrixSchema, { columns, f64Le: littleEndian(values) }) };
}

function f32(values: Float32Array, columns: number): Packed {
    return { case: "matrix", value: create(MatrixSchema, { columns, f32Le: littleEndian(values) }) };
}

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes of the values, without a copy where the machine's own order is the right one. */
function littleEndian(values: Float64Array | Float32Array): Uint8Array {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    if (HOST_IS_LITTLE) return bytes;
    const swapped = bytes.slice();
    for (let at = 0; at < swapped.length; at += values.BYTES_PER_ELEMENT) {
        swapped.subarray(at, at + values.BYTES_PER_ELEMENT).reverse();
    }
    return swapped;
}
