// Node's fetch, one question a line: what is asked and what came back, as JSON.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    let told;
    try {
        const answer = await fetch(asked.url, {
            method: asked.method,
            headers: asked.fields,
            redirect: "manual",
            signal: AbortSignal.timeout(30_000),
        });
        told = {
            status: answer.status,
            fields: Object.fromEntries(answer.headers),
            body: await answer.text(),
        };
    } catch (error) {
        told = { error: `${error.name}: ${error.message}` };
    }
    console.log(JSON.stringify(told));
}
