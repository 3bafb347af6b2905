/**
 * Every error of this package. What the server says becomes one class per status in `status.ts`.
 */

/** What every error of this package is. */
export class LinfaServeError extends Error {
    constructor(message: string, options?: ErrorOptions) {
        super(message, options);
        this.name = new.target.name;
    }
}

/** An option that cannot be meant: an address that is no URL, a key that no header can carry, a deadline of 0. */
export class OptionError extends LinfaServeError {
    /** @param option - its name, as in `deadlineMs` */
    constructor(
        readonly option: string,
        message: string,
        options?: ErrorOptions,
    ) {
        super(`${option}: ${message}`, options);
    }
}

/** Where in an input something is wrong, and what. */
export interface InputFault {
    /** The row, from 0; absent where a whole column or the whole input is meant. */
    readonly row?: number | undefined;
    /** The column: its name, or its place from 0 in rows by position. */
    readonly column?: string | number | undefined;
    /** What would be right. */
    readonly expected: string;
    /** What was given. */
    readonly got: string;
}

/** Rows that no model can take. Nothing was sent. */
export class InputError extends LinfaServeError implements InputFault {
    readonly row: number | undefined;
    readonly column: string | number | undefined;
    readonly expected: string;
    readonly got: string;

    constructor(fault: InputFault) {
        super(sentence(fault));
        this.row = fault.row;
        this.column = fault.column;
        this.expected = fault.expected;
        this.got = fault.got;
    }
}

/** An answer that no server of this contract gives. */
export class MalformedAnswerError extends LinfaServeError {}

function sentence({ row, column, expected, got }: InputFault): string {
    const place = [
        row === undefined ? [] : [`row ${row}`],
        column === undefined ? [] : [`column ${typeof column === "string" ? `\`${column}\`` : column}`],
    ].flat();
    const where = place.length > 0 ? `${place.join(", ")}: ` : "";
    return `${where}expected ${expected}, got ${got}`;
}
