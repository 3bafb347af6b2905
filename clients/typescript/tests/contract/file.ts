/**
 * The form of `tests/contract/cases.json` at the root of the repository; the README beside it says what each part means.
 */

export interface File {
    readonly tolerance: number;
    readonly cases: readonly Case[];
}

export interface Case {
    readonly name: string;
    readonly retries?: boolean;
    readonly calls?: readonly Call[];
    readonly second_watch?: Refusal;
    readonly get?: Get;
    readonly list?: readonly Listed[];
    readonly watch?: { readonly model: string; readonly within_ms: number };
    readonly stream?: Stream;
    readonly retry?: Ask & { readonly within_ms: number; readonly error: Refusal; readonly answer: Answer };
    readonly restart?: Ask & { readonly answer: Answer };
}

export interface Ask {
    readonly model: string;
    readonly version?: number;
    readonly label?: string;
    readonly deadline_ms?: number;
    readonly input: Input;
}

export interface Call extends Ask {
    readonly key?: "narrow" | "none";
    readonly answer?: Answer;
    readonly error?: Refusal;
}

export interface Input {
    readonly as?: "values" | "f32" | "f64";
    readonly rows?: readonly (readonly (number | null)[])[];
    readonly ramp?: Ramp;
    readonly columns?: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** In row r and column c stands `from` + r `down` + c `along`. */
export interface Ramp {
    readonly rows: number;
    readonly width: number;
    readonly from: number;
    readonly down: number;
    readonly along: number;
}

export interface Answer {
    readonly model: string;
    readonly version?: number;
    readonly task: string;
    readonly names?: readonly string[];
    readonly labels?: readonly string[];
    readonly clusters?: readonly number[];
    readonly numbers?: readonly (readonly number[])[];
    readonly ramp?: Ramp;
}

export interface Refusal {
    readonly code: string;
    readonly field?: string;
    readonly reason?: string;
    readonly row?: number;
    readonly column?: string;
    readonly expected?: string;
    readonly got?: string;
    readonly resource?: { readonly type: string; readonly name: string };
    readonly precondition?: { readonly type: string; readonly subject: string };
    readonly retry?: boolean;
}

export interface Get {
    readonly name: string;
    readonly default_version: number;
    readonly labels: Readonly<Record<string, number>>;
    readonly version: {
        readonly version: number;
        readonly state: string;
        readonly digest: string;
        readonly inputs: readonly {
            readonly name: string;
            readonly min: number;
            readonly max: number;
            readonly mean: number;
        }[];
        readonly task: string;
        readonly outputs: readonly string[];
        readonly steps: readonly string[];
    };
}

export interface Listed {
    readonly name: string;
    readonly default_version: number;
    readonly versions: readonly {
        readonly version: number;
        readonly state: string;
        readonly check?: string;
    }[];
}

export interface Stream {
    readonly model: string;
    readonly chunk: number;
    readonly memory_mib: number;
    readonly ramp: Ramp;
    readonly answer: Answer;
}
