// Ways to the gateway that seem to come from another address: 127.0.0.99 is in nobody's range.

import { createServer as createProxy } from 'node:http';
import { connect, createServer } from 'node:net';

/** A listener on a free port that leads to `port` of 127.0.0.1: for one name, by `names` of a browser. */
export function relay(port, from = '127.0.0.99') {
  const open = new Set();
  const server = createServer((incoming) => join(open, incoming, connect({ host: '127.0.0.1', port, localAddress: from })));
  return listening(server, open);
}

/** A proxy that leads to 127.0.0.1, whatever the name: for all of them, by `through` of a browser. */
export function proxy(from = '127.0.0.99') {
  const open = new Set();
  const server = createProxy((_, response) => response.writeHead(405).end());
  server.on('connect', (request, incoming) => {
    const port = Number(request.url.split(':').at(-1));
    const outgoing = connect({ host: '127.0.0.1', port, localAddress: from }, () => incoming.write('HTTP/1.1 200 Here you are\r\n\r\n'));
    join(open, incoming, outgoing);
  });
  return listening(server, open);
}

function join(open, incoming, outgoing) {
  for (const [one, other] of [[incoming, outgoing], [outgoing, incoming]]) {
    open.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => { open.delete(one); other.destroy(); });
  }
  incoming.pipe(outgoing).pipe(incoming);
}

async function listening(server, open) {
  await new Promise((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    place: `127.0.0.1:${server.address().port}`,
    async stop() {
      for (const socket of open) socket.destroy();
      server.closeAllConnections?.();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
