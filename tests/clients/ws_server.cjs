// A WebSocket server behind keygate, by Node's ws; websockets_server.py is the same by another hand.
//
//    /v1/ws/echo?tag=T     every message back, as it came
//    /v1/ws/closed?tag=T   how the client ended that one, as soon as it has: code and reason
//    /v1/ws/head           the handshake as JSON, then the end
//    /v1/ws/close          the end with 4001, at once
//    /v1/ws/cut            the connection broken, at once
//    /v1/ws/ping           a ping, and `pong came: …` when it is answered
//    /v1/ws/none           404 instead of a handshake
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({
    host: '127.0.0.1',
    port: Number(process.argv[2]),
    maxPayload: 64 << 20,
    perMessageDeflate: true,
    handleProtocols: offered => (offered.has('chat.v2') ? 'chat.v2' : false),
    verifyClient: ({ req }, answer) => answer(!req.url.startsWith('/v1/ws/none'), 404, 'no such socket'),
});

// tag → a promise of how it ended
const ends = new Map();
const end = tag => {
    if (!ends.has(tag)) {
        const entry = {};
        entry.known = new Promise(resolve => { entry.tell = resolve; });
        ends.set(tag, entry);
    }
    return ends.get(tag);
};

server.on('connection', (socket, request) => {
    const url = new URL(request.url, 'http://x');
    const tag = url.searchParams.get('tag');
    socket.on('error', () => {});
    switch (url.pathname) {
    case '/v1/ws/echo':
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
        socket.on('close', (code, reason) => end(tag).tell(`${code} ${reason}`));
        break;
    case '/v1/ws/closed':
        end(tag).known.then(text => socket.send(text));
        break;
    case '/v1/ws/head':
        socket.send(JSON.stringify({ target: request.url, fields: request.headers }));
        socket.close(1000);
        break;
    case '/v1/ws/close':
        socket.close(4001, 'Grüße');
        break;
    case '/v1/ws/cut':
        socket.terminate();
        break;
    case '/v1/ws/ping':
        socket.on('pong', data => socket.send(`pong came: ${data}`));
        socket.ping('from the API');
        break;
    default:
        socket.close(4404, 'no such page');
    }
});
