// Node's ws, through the gateway to both WebSocket servers, with and without a proxy in front.
const { createHash, randomBytes } = require('node:crypto');
const { once } = require('node:events');
const WebSocket = require('ws');
const { version } = require('ws/package.json');

const SECONDS = 20;
const MIB = 1 << 20;
const sha256 = data => createHash('sha256').update(data).digest('hex');

let tags = 0;

class Client {
    constructor(way) {
        this.url = way.url.replace(/^http/, 'ws');
        this.key = way.key.key;
        this.id = way.key.id;
    }

    start(page, { token = this.key, protocols = [], ...how } = {}) {
        const headers = token ? { Authorization: `Bearer ${token}` } : {};
        const options = { headers, handshakeTimeout: SECONDS * 1000, ...how };
        return new WebSocket(`${this.url}/v1/ws/${page}`, protocols, options);
    }

    async open(page, how) {
        const socket = this.start(page, how);
        await within(once(socket, 'open'));
        return socket;
    }

    // The answer to a handshake that is no upgrade.
    async refused(page, how) {
        const socket = this.start(page, how);
        socket.on('error', () => {});
        const opened = once(socket, 'open').then(() => Promise.reject(new Error('the handshake was accepted')));
        opened.catch(() => {});
        const [, answer] = await within(Promise.race([once(socket, 'unexpected-response'), opened]));
        const pieces = [];
        for await (const piece of answer) pieces.push(piece);
        socket.terminate();
        return { status: answer.statusCode, fields: answer.headers, text: Buffer.concat(pieces).toString() };
    }

    // What most programs see: the text of the error.
    async errorOf(page, how) {
        const [error] = await within(once(this.start(page, how), 'error'));
        return error.message;
    }
}

// Nothing here waits longer than that.
function within(promise) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`nothing came in ${SECONDS} s`)), SECONDS * 1000);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function exchange(socket, data, how = {}) {
    const answer = within(once(socket, 'message'));
    socket.send(data, how);
    return answer;
}

async function close(socket, ...how) {
    const ended = within(once(socket, 'close'));
    socket.close(...how);
    const [code, reason] = await ended;
    return `${code} ${reason}`;
}

async function look(report, client) {
    await report.case('handshake without a key, with an unknown one', async one => {
        const none = await client.refused('echo', { token: null });
        one.refusal('auth_missing', none.status, name => none.fields[name], none.text);
        one.equal('error', await client.errorOf('echo', { token: null }), 'Unexpected server response: 401');
        const unknown = await client.errorOf('echo', { token: `kg_live_${'0'.repeat(40)}` });
        one.equal('error with an unknown one', unknown, 'Unexpected server response: 403');
        one.note('`Unexpected server response: 401`, and 403');
    });
    await report.case('handshake that the API refuses', async one => {
        const answer = await client.refused('none');
        one.equal('status', answer.status, 404);
        one.equal('body', /no such socket/.test(answer.text), true);
        one.note('404 of the API, its body readable');
    });
    await report.case('who calls, and how', async one => {
        const socket = client.start('head?q=%C3%BC', { protocols: ['chat.v1', 'chat.v2'] });
        const [[text], [code]] = await within(Promise.all([once(socket, 'message'), once(socket, 'close')]));
        const { target, fields } = JSON.parse(text);
        one.equal('subprotocol', socket.protocol, 'chat.v2');
        one.equal('extensions', socket.extensions, 'permessage-deflate');
        one.equal('target at the API', target, '/v1/ws/head?q=%C3%BC');
        one.equal('X-Key-Id', fields['x-key-id'], client.id);
        one.equal('X-Key-Owner', fields['x-key-owner'], 'acme');
        one.equal('X-Forwarded-For', fields['x-forwarded-for'], '127.0.0.1');
        one.equal('Authorization at the API', fields.authorization, undefined);
        one.equal('code', code, 1000);
        one.note('identity at the API, subprotocol chat.v2, permessage-deflate');
    });
    await report.case('echo of text and bytes', async one => {
        const socket = await client.open('echo');
        for (const text of ['Grüße ✓', '', 'x'.repeat(70_000)]) {
            const [data, isBinary] = await exchange(socket, text);
            one.equal('text', [data.toString(), isBinary], [text, false]);
        }
        const bytes = randomBytes(MIB);
        const [data, isBinary] = await exchange(socket, bytes);
        one.equal('bytes', [sha256(data), isBinary], [sha256(bytes), true]);
        one.equal('end', await close(socket), '1005 ');
        one.note('text, empty text, 70,000 letters, 1 MiB of bytes; no code when none is given');
    });
    await report.case('a message in three fragments', async one => {
        const socket = await client.open('echo', { perMessageDeflate: false });
        const answer = within(once(socket, 'message'));
        socket.send('one ', { fin: false });
        socket.send('two ', { fin: false });
        socket.send('three', { fin: true });
        one.equal('text', String((await answer)[0]), 'one two three');
        await close(socket, 1000);
        one.note('one message');
    });
    await report.case('ping and pong, both ways', async one => {
        const socket = await client.open('ping');
        const [text] = await within(once(socket, 'message'));
        one.equal('what the API says', String(text), 'pong came: from the API');
        const pong = within(once(socket, 'pong'));
        socket.ping('from the client');
        one.equal('pong', String((await pong)[0]), 'from the client');
        await close(socket, 1000);
        one.note('each with its text');
    });
    await report.case('close codes', async one => {
        const tag = `ws-${process.pid}-${++tags}`;
        const socket = await client.open(`echo?tag=${tag}`);
        one.equal('code that the client gave', await close(socket, 4002, 'tschüß'), '4002 tschüß');
        const asked = client.start(`closed?tag=${tag}`);
        one.equal('code at the API', String((await within(once(asked, 'message')))[0]), '4002 tschüß');
        asked.terminate();
        const ended = client.start('close');
        const [code, reason] = await within(once(ended, 'close'));
        one.equal('code that the API gave', `${code} ${reason}`, '4001 Grüße');
        const cut = client.start('cut');
        cut.on('error', () => {});
        one.equal('code of a cut', (await within(once(cut, 'close')))[0], 1006);
        one.note('4002 to the API, 4001 from it, 1006 when it breaks off');
    });
    await report.case('16 MiB each way in 256 messages, all at once', async one => {
        const socket = await client.open('echo', { perMessageDeflate: false });
        const sent = createHash('sha256');
        const came = createHash('sha256');
        let left = 256;
        const all = new Promise(resolve => socket.on('message', data => {
            came.update(data);
            if (--left === 0) resolve();
        }));
        for (let i = 0; i < 256; ++i) {
            const piece = randomBytes(65536);
            sent.update(piece);
            socket.send(piece);
        }
        await within(all);
        one.equal('SHA-256', came.digest('hex'), sent.digest('hex'));
        await close(socket, 1000);
        one.note('SHA-256 as sent');
    });
    await report.case('100 sockets, 10 messages on each', async one => {
        const right = await Promise.all(Array.from({ length: 100 }, async (_, i) => {
            const socket = await client.open('echo');
            let answers = 0;
            for (let j = 0; j < 10; ++j)
                if (String((await exchange(socket, `${i}.${j}`))[0]) === `${i}.${j}`) ++answers;
            await close(socket, 1000);
            return answers;
        }));
        one.equal('right answers', right.reduce((a, b) => a + b), 1000);
        one.note('1000 right answers');
    });
}

async function main() {
    const { Report, told } = await import('./report.mjs');
    for (const way of told.ways) await look(new Report(`Node ws ${version} ${way.name}`), new Client(way));
    console.log('end');
    process.exit(0);
}

main();
