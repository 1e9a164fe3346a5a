// Signing people in on the server: the authorization code flow with PKCE and a client secret, and a session of one's own.

import './webcrypto.mjs';

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import * as client from 'openid-client';

// What the administrator registered. BASE_URL is where browsers reach this server: BASE_URL/callback is the redirect
// URI, BASE_URL/ where people come back to after signing out.
const {
  ISSUER = 'https://login.example.com',
  CLIENT_ID = 'intranet',
  CLIENT_SECRET,
  CONNECTION = 'FabrikamAD',
  BASE_URL = 'https://intranet.example.com',
  PORT = '8080',
} = process.env;
if (!CLIENT_SECRET) throw new Error('CLIENT_SECRET is missing: give the secret of the application');

const MINUTE = 60_000;
const SESSION = 8 * 60 * MINUTE;
/** A name that other hosts cannot set cookies for; browsers want HTTPS for it. */
const [prefix, attributes] = BASE_URL.startsWith('https:') ? ['__Host-', '; Secure'] : ['', ''];

/** Who is signed in, by the value of their cookie. A real application keeps this in a store that it shares. */
const sessions = new Map();

const pages = {
  'GET /': home,
  'GET /sign-in': signIn,
  'GET /callback': callback,
  'POST /sign-out': signOut,
};

createServer(async (request, response) => {
  response.setHeader('cache-control', 'no-store');
  // A form that is answered by a redirect needs the target here, too.
  response.setHeader('content-security-policy', `default-src 'none'; form-action 'self' ${ISSUER}; frame-ancestors 'none'`);
  try {
    const url = new URL(request.url, BASE_URL);
    const page = pages[`${request.method} ${url.pathname}`];
    if (page) await page(request, response, url);
    else show(response, 404, '<p>There is no such page. <a href="/">Home</a></p>');
  } catch (error) {
    failed(response, error);
  }
}).listen(Number(PORT), () => console.log(`${BASE_URL} at port ${PORT}`));

function home(request, response) {
  const session = sessions.get(cookie(request, 'session'));
  if (!session) return show(response, 200, '<p>Nobody is signed in.</p><p><a href="/sign-in">Sign in</a></p>');
  const { name, acr } = session.claims;
  const how = acr === 'urn:postern:acr:certificate' ? 'with a certificate' : 'with a password';
  return show(
    response,
    200,
    `<p>Welcome ${escaped(name)}. You signed in ${how}.</p>
    <form method="post" action="/sign-out"><button>Sign out</button></form>`,
  );
}

async function signIn(_request, response) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  };
  const url = client.buildAuthorizationUrl(await provider(), {
    redirect_uri: `${BASE_URL}/callback`,
    scope: 'openid profile email',
    connection: CONNECTION,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
  });
  // In the browser that begins: only there can the sign-in end.
  const kept = Buffer.from(JSON.stringify(checks)).toString('base64url');
  response.setHeader('set-cookie', setCookie('checks', kept, 10 * MINUTE));
  redirect(response, url.href);
}

async function callback(request, response, url) {
  const checks = cookie(request, 'checks');
  if (!checks) return show(response, 400, '<p>This sign-in was not begun here, or took too long. <a href="/sign-in">Sign in</a></p>');
  const { pkceCodeVerifier, expectedState, expectedNonce } = JSON.parse(Buffer.from(checks, 'base64url'));
  const tokens = await client.authorizationCodeGrant(await provider(), url, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  });
  const id = randomBytes(32).toString('base64url');
  sessions.set(id, { claims: tokens.claims(), idToken: tokens.id_token });
  setTimeout(() => sessions.delete(id), SESSION).unref();
  response.setHeader('set-cookie', [setCookie('checks', '', 0), setCookie('session', id, SESSION)]);
  return redirect(response, '/');
}

async function signOut(request, response) {
  if (request.headers.origin !== new URL(BASE_URL).origin) return show(response, 403, '<p>That was not sent by a page of ours.</p>');
  const session = cookie(request, 'session');
  const idToken = sessions.get(session)?.idToken;
  sessions.delete(session);
  response.setHeader('set-cookie', setCookie('session', '', 0));
  const url = client.buildEndSessionUrl(await provider(), {
    post_logout_redirect_uri: `${BASE_URL}/`,
    ...(idToken && { id_token_hint: idToken }),
  });
  return redirect(response, url.href);
}

let discovered;

/** The provider's metadata, read once; after a failure, the next visit tries again. */
function provider() {
  discovered ??= client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET).catch((error) => {
    discovered = undefined;
    throw error;
  });
  return discovered;
}

function failed(response, error) {
  // What the provider said, and nothing that was sent: codes and tokens are secrets.
  console.error(error.error ?? error.code ?? error.name, error.error_description ?? error.message);
  const away = ['temporarily_unavailable', 'server_error'].includes(error.error) || !(error.error || error.code);
  const again = '<a href="/sign-in">Try again</a>';
  if (error.error === 'access_denied') show(response, 403, `<p>You were not signed in. ${again}.</p>`);
  else if (away) show(response, 503, `<p>Signing in is not possible at the moment. ${again} in a while.</p>`);
  else show(response, 400, `<p>Signing in did not work. ${again}.</p>`);
}

function cookie(request, name) {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('='));
  return pairs.find(([each]) => each === prefix + name)?.[1];
}

function setCookie(name, value, life) {
  return `${prefix}${name}=${value}; Path=/; Max-Age=${life / 1000}; HttpOnly; SameSite=Lax${attributes}`;
}

function redirect(response, location) {
  response.writeHead(303, { location }).end();
}

function show(response, status, body) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><html lang="en"><title>Intranet</title><h1>Intranet</h1>${body}</html>`);
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
