// Node's fetch, and the node:http below most older libraries.
import { createHash, randomBytes } from 'node:crypto';
import diagnostics from 'node:diagnostics_channel';
import http from 'node:http';
import zlib from 'node:zlib';
import { Report, told, origin, key, newTag, release, seen } from './report.mjs';

const MIB = 1 << 20;
const unknownKey = `kg_live_${'0'.repeat(40)}`;
const sha256 = data => createHash('sha256').update(data).digest('hex');
const bearer = token => (token ? { Authorization: `Bearer ${token}` } : {});

function ask(path, { token = key, headers = {}, ...how } = {}) {
    const signal = AbortSignal.timeout(30_000);
    return fetch(origin + path, { headers: { ...bearer(token), ...headers }, signal, ...how });
}

// Every connection that fetch opens to the gateway.
let opened = 0;
diagnostics.channel('undici:client:connected').subscribe(({ connectParams }) => {
    if (`http://${connectParams.host}` === origin) opened += 1;
});

const refused = [
    ['without a key', null, '/v1/echo', 'auth_missing'],
    ['with an unknown key', unknownKey, '/v1/echo', 'key_unknown'],
    ['without the scope', key, '/narrow/echo', 'scope_missing'],
    ['with a rate that is spent', told.keys.spent.key, '/v1/echo', 'rate_limited'],
];

async function lookWithFetch(report) {
    await report.case('GET with a key', async one => {
        const answer = await ask('/v1/echo/1?page=2');
        one.equal('status', answer.status, 200);
        one.identity(await answer.json());
        one.note('200, identity at the API');
    });
    for (const [what, token, path, reason] of refused)
        await report.case(`GET ${what}`, async one => {
            const answer = await ask(path, { token });
            one.refusal(reason, answer.status, name => answer.headers.get(name), await answer.text());
        });
    await report.case('HEAD', async one => {
        const answer = await ask('/v1/bytes/5000', { method: 'HEAD' });
        one.equal('status', answer.status, 200);
        one.equal('Content-Length', answer.headers.get('content-length'), '5000');
        one.equal('body', await answer.text(), '');
        one.note('200, length without body');
    });
    await report.case('POST of JSON', async one => {
        const body = JSON.stringify({ name: 'grüße' });
        const saw = await (await ask('/v1/echo', { method: 'POST', body })).json();
        one.equal('framing', saw.framing, String(Buffer.byteLength(body)));
        one.equal('SHA-256', saw.body.sha256, sha256(body));
        one.note('200, body whole');
    });
    await report.case('POST from a stream (chunked)', async one => {
        const pieces = [1, 70_000, 2, 300_000].map(size => randomBytes(size));
        const body = new ReadableStream({
            start(stream) {
                pieces.forEach(piece => stream.enqueue(piece));
                stream.close();
            },
        });
        const saw = await (await ask('/v1/echo', { method: 'POST', body, duplex: 'half' })).json();
        one.equal('framing', saw.framing, 'chunked');
        one.equal('SHA-256', saw.body.sha256, sha256(Buffer.concat(pieces)));
        one.note('chunked at the API too, body whole');
    });
    await report.case('PUT of 16 MiB', async one => {
        const body = randomBytes(16 * MIB);
        const saw = await (await ask('/v1/echo', { method: 'PUT', body })).json();
        one.equal('SHA-256', saw.body.sha256, sha256(body));
        one.note('SHA-256 as sent');
    });
    await report.case('form with a file of 1 MiB', async one => {
        const body = new FormData();
        body.append('name', 'ü');
        body.append('file', new Blob([randomBytes(MIB)]), 'ü.bin');
        const saw = await (await ask('/v1/echo', { method: 'POST', body })).json();
        one.equal('all of the file is in it', saw.body.size > MIB, true);
        one.note(`200, ${saw.body.size} bytes, ${saw.framing === 'chunked' ? 'chunked' : 'with a length'}`);
    });
    for (const path of ['bytes', 'chunked'])
        await report.case(`GET of 16 MiB (${path})`, async one => {
            const answer = await ask(`/v1/${path}/${16 * MIB}`);
            const hash = createHash('sha256');
            for await (const piece of answer.body) hash.update(piece);
            one.equal('SHA-256', hash.digest('hex'), answer.headers.get('x-sha256'));
            one.note('SHA-256 as sent');
        });
    await report.case('gzip-encoded answer', async one => {
        const answer = await ask('/v1/gzip');
        one.equal('Content-Encoding', answer.headers.get('content-encoding'), 'gzip');
        one.equal('text', await answer.text(), 'keygate '.repeat(500));
        one.note('fetch unpacks it');
    });
    await report.case('204 and 304', async one => {
        const none = await ask('/v1/status/204');
        const same = await ask('/v1/tagged', { headers: { 'If-None-Match': '"one"' } });
        one.equal('statuses', [none.status, same.status], [204, 304]);
        one.equal('ETag', same.headers.get('etag'), '"one"');
        one.note('204, 304 with its ETag');
    });
    await report.case('redirect, as it is and followed', async one => {
        const post = { method: 'POST', body: 'b' };
        const plain = await ask('/v1/redirect/307?to=/v1/echo/there', { redirect: 'manual', ...post });
        one.equal('status', plain.status, 307);
        one.equal('Location', plain.headers.get('location'), '/v1/echo/there');
        await plain.text();
        const followed = await ask('/v1/redirect/307?to=/v1/echo/there', post);
        const saw = await followed.json();
        one.equal('target at the API', saw.target, '/v1/echo/there');
        one.equal('method and body', [saw.method, saw.body.start], ['POST', 'b']);
        one.identity(saw);
        one.note('Location unchanged; followed with key and body');
    });
    await report.case('path and query with UTF-8', async one => {
        const saw = await (await ask('/v1/echo/café/a b?q=ü&r=%2f')).json();
        one.equal('target at the API', saw.target, '/v1/echo/caf%C3%A9/a%20b?q=%C3%BC&r=%2f');
        one.note('as fetch encodes it');
    });
    await report.case('server-sent events from a stream', async one => {
        const name = newTag();
        const answer = await ask(`/v1/events/${name}`);
        let text = '';
        let released = false;
        for await (const piece of answer.body) {
            text += Buffer.from(piece).toString();
            if (!released && text.endsWith('\n\n')) {
                one.equal('first event', text, 'id: 1\ndata: first\n\n');
                released = true;
                await release(name);
            }
        }
        one.equal('all of it', text, 'id: 1\ndata: first\n\nid: 2\ndata: second\n\n');
        one.note('the first one there before the second was sent');
    });
    await report.case('ten requests, one after the other', async one => {
        await (await ask('/v1/echo')).text();
        opened = 0;
        const statuses = [];
        for (let i = 0; i < 10; ++i) {
            const answer = await ask(i % 3 === 2 ? '/narrow/echo' : '/v1/echo');
            await answer.text();
            statuses.push(answer.status);
        }
        one.equal('statuses', statuses, [200, 200, 403, 200, 200, 403, 200, 200, 403, 200]);
        one.equal('connections opened', opened, 0);
        one.note('on the connection that was open before, refused ones too');
    });
    await report.case('100 requests at once', async one => {
        const all = await Promise.all(
            Array.from({ length: 100 }, async (_, i) => {
                const answer = await ask(`/v1/bytes/${1000 + i}`);
                return answer.status === 200 && (await answer.arrayBuffer()).byteLength === 1000 + i;
            }),
        );
        one.equal('right answers', all.filter(Boolean).length, 100);
        one.note('100 times 200');
    });
    await report.case('POST of 10 MiB without a key', async one => {
        const tag = newTag();
        const answer = await ask(`/v1/echo?tag=${tag}`, { method: 'POST', body: randomBytes(10 * MIB), token: null });
        one.refusal('auth_missing', answer.status, name => answer.headers.get(name), await answer.text());
        one.equal('requests at the API', (await seen(tag)).requests, 0);
    });
    await report.case('POST of 10 MiB that the API answers at once with 413', async one => {
        const answer = await ask('/v1/early/413', { method: 'POST', body: randomBytes(10 * MIB) });
        one.equal('status', answer.status, 413);
        one.equal('body', await answer.text(), 'too much');
        one.note('413 of the API');
    });
}

// The answer, its body, and whether 100 Continue came first.
function askPlainly(path, { method = 'GET', token = key, headers = {}, body, agent } = {}) {
    return new Promise((resolve, reject) => {
        const fields = { ...bearer(token), ...headers };
        const request = http.request(origin + path, { method, agent, headers: fields, timeout: 30_000 });
        let continued = false;
        request.on('timeout', () => request.destroy(new Error('no answer')));
        request.on('error', reject);
        request.on('response', async answer => {
            try {
                const pieces = [];
                for await (const piece of answer) pieces.push(piece);
                resolve({ answer, text: Buffer.concat(pieces).toString(), continued, reused: request.reusedSocket });
            } catch (error) {
                reject(error);
            }
        });
        if (headers.Expect) {
            request.on('continue', () => {
                continued = true;
                request.end(body);
            });
            request.flushHeaders();
        } else {
            request.end(body);
        }
    });
}

async function lookWithHttp(report) {
    await report.case('Expect: 100-continue', async one => {
        const body = randomBytes(2 * MIB);
        const headers = { Expect: '100-continue' };
        const { text, continued } = await askPlainly('/v1/echo', { method: 'POST', headers, body });
        one.equal('continue', continued, true);
        one.equal('SHA-256', JSON.parse(text).body.sha256, sha256(body));
        one.note('told to continue, body whole');
    });
    await report.case('Expect: 100-continue, without a key', async one => {
        const tag = newTag();
        const { answer, text, continued } = await askPlainly(`/v1/echo?tag=${tag}`, {
            method: 'POST',
            token: null,
            headers: { Expect: '100-continue' },
            body: randomBytes(2 * MIB),
        });
        one.equal('continue', continued, false);
        one.refusal('auth_missing', answer.statusCode, name => answer.headers[name], text);
        one.equal('requests at the API', (await seen(tag)).requests, 0);
        one.note('body not sent');
    });
    await report.case('keep-alive agent', async one => {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const reused = [];
        for (const [token, path] of [[key, '/v1/echo'], [null, '/v1/echo'], [key, '/v1/status/204'], [key, '/v1/gzip']])
            reused.push((await askPlainly(path, { token, agent })).reused);
        agent.destroy();
        one.equal('reused', reused, [false, true, true, true]);
        one.note('four requests on one socket, a refused one among them');
    });
    await report.case('gzip-encoded answer, as it came', async one => {
        const bytes = await new Promise((resolve, reject) =>
            http.get(`${origin}/v1/gzip`, { headers: bearer(key) }, async answer => {
                const pieces = [];
                for await (const piece of answer) pieces.push(piece);
                const all = Buffer.concat(pieces);
                one.equal('SHA-256', sha256(all), answer.headers['x-sha256']);
                resolve(all);
            }).on('error', reject),
        );
        one.equal('unpacked', zlib.gunzipSync(bytes).toString(), 'keygate '.repeat(500));
        one.note('not one byte touched');
    });
}

await lookWithFetch(new Report(`Node ${process.versions.node} fetch`));
await lookWithHttp(new Report(`Node ${process.versions.node} http`));
console.log('end');
process.exit(0); // sockets that wait for another request hold nobody up
