// The application's own server, at the origin that is registered for it: pages that sign in by the SDK, one
// that takes redirects, and, on a name below it, pages of a stranger.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { send } from './flow.mjs';
import { until } from './waiting.mjs';

const built = join(dirname(fileURLToPath(import.meta.url)), '../../sdk/js/dist/postern.global.js');

/** Serves until stopped. `pages` adds paths: `{ '/x.html': '<p>…' }` or `{ body, headers }`. */
export async function application(rig, pages = {}) {
  const script = await scriptAddress(rig);
  const site = {
    '/callback.html': `${head}<h1>Back at the application</h1>`,
    '/': signInPage(rig, script),
    ...pages,
  };
  const server = createServer({ key: readFileSync(rig.page.key), cert: readFileSync(rig.page.cert) }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url, rig.page.origin);
    if (pathname === '/sdk.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(readFileSync(built));
      return;
    }
    const found = site[pathname];
    if (found === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here');
      return;
    }
    const page = typeof found === 'string' ? { body: found } : found;
    const policy = searchParams.get('coop');
    response.writeHead(page.status ?? 200, {
      'content-type': 'text/html; charset=utf-8',
      ...(policy && { 'cross-origin-opener-policy': policy }),
      ...page.headers,
    }).end(page.body);
  });
  // Another test file may serve the same origin, if they were given one rig.
  await until('the port of the application to be free', () => new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(Number(new URL(rig.page.origin).port), '127.0.0.1', () => resolve(true));
  }), 120);
  return {
    origin: rig.page.origin,
    stranger: rig.page.origin.replace('app.localhost', 'stranger.app.localhost'),
    async stop() {
      server.closeAllConnections?.();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The gateway's own copy of the SDK; what was built beside this folder where that route is not there. */
async function scriptAddress(rig) {
  const { status } = await send(rig, { path: '/sdk/v1.js' });
  return status === 200 ? `${rig.issuer}/sdk/v1.js` : '/sdk.js';
}

const head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Application</title><link rel="icon" href="data:,">';

/** What an application with `Cross-Origin-Opener-Policy: same-origin` has at its `popupCallbackUri`. */
export async function channelPage(rig) {
  return `${head}<h1>Back at the application</h1><script src="${await scriptAddress(rig)}"></script>
<script>Postern.popupCallback();</script>`;
}

/** `?options=` are more options of `Auth`, `?request=` those of `signin`, both JSON; `?way=` how it is called, `?coop=` the page's policy. */
function signInPage(rig, script) {
  return `${head}<h1>The application</h1>
<p><button id="sign-in">Sign in</button> <button id="sign-out">Sign out</button></p><pre id="told"></pre>
<script src="${script}"></script>
<script>
const query = new URLSearchParams(location.search);
const json = (name, otherwise) => JSON.parse(query.get(name) ?? JSON.stringify(otherwise));
const auth = new Postern.Auth({ issuer: ${JSON.stringify(rig.issuer)}, clientId: ${JSON.stringify(rig.page.client_id)}, ...json('options', {}) });
const request = json('request', { popup: true, connection: 'FabrikamAD', scope: 'openid name email' });
const show = (outcome) => { window.outcome = outcome; document.querySelector('#told').textContent = JSON.stringify(outcome, null, 2); };
function onLoginSuccess(result) { show({ ok: result }); }
function onLoginFailed(error) {
  show({ failed: { code: error.code, message: error.message, requestId: error.requestId, isAuthError: error instanceof Postern.AuthError, isError: error instanceof Error } });
}
const ways = {
  callbacks() { auth.signin(request, onLoginSuccess, onLoginFailed); },
  snippet() { auth.signin({ popup: true, connection: 'FabrikamAD', scope: 'openid name email' }, onLoginSuccess, onLoginFailed); },
  promise() { auth.signin(request).then(onLoginSuccess, onLoginFailed); },
  aborted() {
    window.controller = new AbortController();
    auth.signin({ ...request, signal: window.controller.signal }).then(onLoginSuccess, onLoginFailed);
  },
};
const way = ways[query.get('way') ?? 'promise'];
document.querySelector('#sign-in').addEventListener('click', way);
document.querySelector('#sign-out').addEventListener('click', () => auth.signout({ returnTo: location.origin + '/' }));
// Without a click, as browsers see it.
if (query.get('at') === 'load') setTimeout(way);
if (query.has('state')) auth.handleRedirect().then(onLoginSuccess, onLoginFailed);
</script>`;
}
