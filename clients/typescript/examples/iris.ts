/**
 * Flowers, from the list of models to a stream of thousands. Runs as it is against `linfactl up`:
 *
 *     node build/examples/iris.js http://127.0.0.1:50051 KEY_FILE
 */
import { Client, InputError, InvalidArgumentError, ModelState } from "@linfa-serve/client";

const [address = "http://127.0.0.1:50051", apiKeyFile] = process.argv.slice(2);
const client = new Client(address, { apiKeyFile });

// 1. What is there? Every model, each with all of its versions.
for (const model of (await client.listModels()).models) {
    const states = model.versions.map(({ version, state }) => `${version} ${ModelState[state]}`);
    console.log(`${model.name}: ${states.join(", ")}`);
}

// 2. What does it want to know? The features, in the order of rows by position, and what they were in training.
const iris = await client.getModel("iris");
const serving = iris.versions.find(({ version }) => version === iris.defaultVersion);
for (const { name, min, max } of serving?.signature?.inputs ?? [])
    console.log(`${name}: ${min} to ${max} cm`);

// 3. Three flowers by position. The task tells what the answer has.
const flowers = [
    [5.1, 3.5, 1.4, 0.2],
    [7.0, 3.2, 4.7, 1.4],
    [6.3, 3.3, 6.0, 2.5],
];
const answer = await client.predict("iris", flowers);
if (answer.task === "classification") {
    for (const [row, label] of answer.labels.entries()) {
        const best = Math.max(...(answer.probabilities?.row(row) ?? []));
        console.log(`flower ${row} is ${label}, ${(100 * best).toFixed(0)} % sure`);
    }
}

// 4. One flower by name, in any order, and all of its probabilities.
const named = { petal_width: [1.7], petal_length: [5.0], sepal_width: [3.0], sepal_length: [6.7] };
const one = await client.predict("iris", named);
if (one.task === "classification") {
    for (const name of one.classes) console.log(`${name}: ${one.probabilities?.column(name)[0]?.toFixed(2)}`);
}

// 5. What no model can take is refused here; what this one cannot take, by the server. Both say where and what.
try {
    await client.predict("iris", [[5.1, 3.5], [7.0]]);
} catch (error) {
    if (error instanceof InputError) console.log(`here: ${error.message}`);
}
try {
    await client.predict("iris", [[5.1, 3.5]]);
} catch (error) {
    if (error instanceof InvalidArgumentError) console.log(`server: ${error.message}`);
}

// 6. Ten thousand flowers in messages of 4000, with their progress, and never more than two messages in memory.
const values = Float64Array.from({ length: 10_000 * 4 }, (_, at) => flowers[(at >> 2) % 3]?.[at & 3] ?? 0);
const counts = new Map<string, number>();
const onProgress = ({ rows, total }: { rows: number; total?: number | undefined }) => {
    console.log(`${rows} of ${total}`);
};
for await (const part of client.predictStream(
    "iris",
    { values, columns: 4 },
    { chunkRows: 4000, onProgress },
)) {
    if (part.task !== "classification") continue;
    for (const label of part.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
}
console.log([...counts].map(([label, count]) => `${count} ${label}`).join(", "));
