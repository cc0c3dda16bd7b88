// report.py for programs that run in Node: one line for each thing that was seen.
import { isDeepStrictEqual } from 'node:util';

export const told = JSON.parse(process.argv[2]);
export const origin = told.urls.origin;
export const key = told.keys.origin.key;

const answers = {
    auth_missing: [401, 'UNAUTHORIZED'],
    key_unknown: [403, 'INVALID_API_KEY'],
    scope_missing: [403, 'PLAN_LIMIT'],
    rate_limited: [429, 'RATE_LIMITED'],
};

class Case {
    checks = 0;
    notes = [];

    equal(what, seen, wanted) {
        this.checks += 1;
        const message = `${what} is ${JSON.stringify(seen)}, not ${JSON.stringify(wanted)}`;
        if (!isDeepStrictEqual(seen, wanted)) throw new Error(message.slice(0, 600));
    }

    note(text) {
        this.notes.push(text);
    }

    // `field` gives the value of a field of the answer by its lower-case name.
    refusal(reason, status, field, body) {
        const [wantedStatus, wantedCode] = answers[reason];
        this.equal('status', status, wantedStatus);
        this.equal('Content-Type', field('content-type'), 'application/json');
        const { error } = JSON.parse(body);
        this.equal('code', error.code, wantedCode);
        this.equal('reason', error.reason, reason);
        this.equal('request_id', error.request_id, field('x-request-id'));
        if (status === 401) this.equal('a challenge', /^Bearer/.test(field('www-authenticate')), true);
        if (status === 429) this.equal('Retry-After in seconds', Number(field('retry-after')) > 0, true);
        this.note(`${status} ${wantedCode}, ${reason}`);
    }

    identity(saw) {
        const fields = Object.fromEntries(saw.fields.map(([name, value]) => [name.toLowerCase(), value]));
        this.equal('X-Key-Id', fields['x-key-id'], told.keys.origin.id);
        this.equal('X-Key-Owner', fields['x-key-owner'], 'acme');
        this.equal('Authorization at the API', fields.authorization, undefined);
    }
}

export class Report {
    constructor(who) {
        this.who = who;
    }

    async case(what, look) {
        const one = new Case();
        let problem;
        try {
            await look(one);
            if (one.checks === 0) problem = 'nothing was checked';
        } catch (error) {
            // fetch says no more than "fetch failed"; why stands in the cause.
            problem = [error.message, error.cause?.code, error.cause?.message].filter(Boolean).join(': ');
        }
        const said = problem === undefined ? one.notes.join(', ') || 'as expected' : problem.replace(/\s+/g, ' ');
        console.log(`${problem === undefined ? 'ok  ' : 'FAIL'} ${this.who}: ${what}: ${said}`);
    }
}

let tags = 0;
export const newTag = () => `${process.argv[1].split('/').pop()}-${++tags}`;

async function control(path) {
    const answer = await fetch(`${told.control}/${path}`);
    return answer.status === 204 ? null : answer.json();
}

// How many requests with this tag have reached the origin, and how much of their bodies.
export const seen = tag => control(`seen/${tag}`);
// Lets the origin send the second event of that name.
export const release = name => control(`release/${name}`);
