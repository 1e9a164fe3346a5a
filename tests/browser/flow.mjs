// One sign-in as an application sees it: the authorize request, the answer, the redemption.

import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:https';

import { until } from './waiting.mjs';

const random = () => randomBytes(32).toString('base64url');

/** A new authorize request of the application for pages, with what its sender keeps. */
export function authorize(rig, parameters = {}) {
  const verifier = random();
  const redirectUri = parameters.redirect_uri ?? `${rig.page.origin}/callback.html`;
  const url = new URL('/authorize', rig.issuer);
  const state = random();
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: rig.page.client_id,
    scope: 'openid profile email groups',
    connection: 'FabrikamAD',
    state,
    nonce: random(),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
    redirect_uri: redirectUri,
  });
  if (parameters.connection === null) url.searchParams.delete('connection');
  return { url: url.href, verifier, state, redirectUri, clientId: rig.page.client_id };
}

/** Waits until the page is at the application again, and returns the parameters it brought. */
export async function arrived(page, asked, seconds = 20) {
  const where = async () => `the page to come back to the application; it is at ${bare(page.url())}: ${await textOf(page)}`;
  await until(where, () => page.url().startsWith(`${asked.redirectUri}?`), seconds);
  const answer = Object.fromEntries(new URL(page.url()).searchParams);
  if (answer.state !== asked.state) throw new Error('the state came back changed');
  return answer;
}

/** Redeems the code, and returns the status and the answer. */
export async function redeem(rig, asked, code, headers = {}) {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: asked.clientId,
    redirect_uri: asked.redirectUri,
    code_verifier: asked.verifier,
    code,
  }).toString();
  return send(rig, { method: 'POST', path: '/token', body,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } });
}

/** The account that a sign-in ended with: follows to the application and redeems the code. */
export async function account(rig, page, asked, seconds) {
  const answer = await arrived(page, asked, seconds);
  if (!answer.code) throw new Error(`no code: ${answer.error}: ${answer.error_description}`);
  const { status, body } = await redeem(rig, asked, answer.code);
  if (status !== 200) throw new Error(`the code was refused: ${status} ${JSON.stringify(body)}`);
  return claims(body.id_token).preferred_username;
}

/** What a token says. */
export function claims(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}

/** One request to a gateway by Node, which resolves no `*.localhost`. */
export function send(rig, { method = 'GET', host = rig.login.hostname, path, headers = {}, body, ...tls }) {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1', port: rig.port, servername: host, ca: rig.root, agent: false, method, path,
      headers: { host: `${host}:${rig.port}`, ...headers }, ...tls,
    }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(response.headers['content-type'] ?? '');
        resolve({ status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(text) : text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** An address without what must not be shown. */
export function bare(address) {
  return address.split('?')[0];
}

/** The words of a page, for messages. */
export async function textOf(page) {
  return page.evaluate(() => document.body?.innerText.slice(0, 400)).catch((error) => `(${error.message})`);
}
