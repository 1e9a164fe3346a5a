// Signing in by leaving the page and coming back.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ORIGIN, page } from './page.mjs';
import { answerTo, CLIENT, ISSUER, tokenEndpoint } from './provider.mjs';
import { Auth } from '../dist/postern.mjs';

// A page that is left takes its clock along; this process does not, and should not wait for it.
const auth = (more) => new Auth({ issuer: ISSUER, clientId: CLIENT, timeoutMs: 1000, ...more });
const MINUTE = 60_000;

/** The page goes to the sign-in and comes back, by a new page load in the same tab. */
async function wentAndCame(t, { path = '/orders', options, more, postern } = {}) {
  const here = page(t, path);
  (postern ?? auth()).signin(options);
  const authorize = await here.left;
  const stored = globalThis.sessionStorage;
  const target = new URL(authorize.searchParams.get('redirect_uri'));
  for (const [name, value] of Object.entries(answerTo(authorize, more))) {
    if (value !== undefined) target.searchParams.set(name, value);
  }
  page(t, target);
  globalThis.sessionStorage = stored;
  return authorize;
}

const kept = () => Object.keys(sessionStorage).filter((key) => key.startsWith('postern:'));

test('the page goes to /authorize, and the transaction waits in this tab', async (t) => {
  const here = page(t, '/orders?open=1#top');
  auth().signin({ connection: 'FabrikamAD', popup: false });
  const authorize = await here.left;
  assert.equal(authorize.origin + authorize.pathname, `${ISSUER}/authorize`);
  assert.equal(authorize.searchParams.get('response_mode'), 'query');
  assert.equal(authorize.searchParams.get('redirect_uri'), `${ORIGIN}/orders`);
  assert.equal(authorize.searchParams.get('connection'), 'FabrikamAD');
  assert.equal(authorize.searchParams.get('scope'), 'openid');
  assert.deepEqual(kept(), [`postern:${authorize.searchParams.get('state')}`]);
  assert.equal(here.popups.length, 0);
});

test('coming back signs in, once, and clears the address and the storage', async (t) => {
  const authorize = await wentAndCame(t, { options: { scope: 'openid email', appState: { from: '/orders' } } });
  const asked = tokenEndpoint(t, authorize);
  const postern = auth();
  const result = await postern.handleRedirect();
  assert.equal(result.profile.email, 'jon@fabrikam.example');
  assert.deepEqual(result.appState, { from: '/orders' });
  assert.deepEqual(postern.getUser(), result.profile);
  assert.equal(location.href, `${ORIGIN}/orders`);
  assert.deepEqual(kept(), []);
  assert.equal(await postern.handleRedirect(), null);
  assert.equal(asked.length, 1);
});

test('a redirect URI of its own keeps its own query', async (t) => {
  const redirectUri = `${ORIGIN}/back?tenant=1`;
  const authorize = await wentAndCame(t, { postern: auth({ redirectUri }) });
  assert.equal(authorize.searchParams.get('redirect_uri'), redirectUri);
  tokenEndpoint(t, authorize);
  assert.equal((await auth({ redirectUri }).handleRedirect()).profile.sub, '96d0d973');
  assert.equal(location.href, redirectUri);
});

test('called twice at once, it gives both callers the same answer', async (t) => {
  const authorize = await wentAndCame(t);
  tokenEndpoint(t, authorize);
  const postern = auth();
  const [one, two] = await Promise.all([postern.handleRedirect(), postern.handleRedirect()]);
  assert.ok(one);
  assert.equal(one, two);
});

test('a page that was not opened by an answer of ours is left alone', async (t) => {
  for (const path of [
    '/?q=search',
    '/?code=x',
    '/?state=x',
    '/?error=x',
    '/?code=x&state=y',
    '/?code=x&state=y&iss=https://other.example.com',
  ]) {
    page(t, path);
    const { href } = location;
    assert.equal(await auth().handleRedirect(), null, path);
    assert.equal(location.href, href);
  }
});

test('an answer to no sign-in of this tab is state_mismatch, and taken out of the address', async (t) => {
  // Some applications serve every path; one that begins like another host is none.
  for (const path of ['/orders', '//other.example/orders']) {
    page(t, `${path}?code=x&state=y&iss=${ISSUER}`);
    await assert.rejects(auth().handleRedirect(), { name: 'AuthError', code: 'state_mismatch' });
    assert.equal(location.href, `${ORIGIN}${path}?`);
  }
});

test('an answer with our state from another issuer is state_mismatch, and its code is not redeemed', async (t) => {
  const authorize = await wentAndCame(t, { more: { iss: 'https://other.example.com' } });
  const asked = tokenEndpoint(t, authorize);
  await assert.rejects(auth().handleRedirect(), { code: 'state_mismatch' });
  assert.equal(asked.length, 0);
});

test('a transaction is good for ten minutes', async (t) => {
  const { now } = Date;
  t.after(() => (Date.now = now));
  for (const [age, outcome] of [
    [9 * MINUTE, 'signed in'],
    [11 * MINUTE, 'state_mismatch'],
  ]) {
    Date.now = now;
    const authorize = await wentAndCame(t);
    Date.now = () => now() + age;
    tokenEndpoint(t, authorize);
    const ended = await auth().handleRedirect().then(() => 'signed in', (error) => error.code);
    assert.equal(ended, outcome);
    assert.deepEqual(kept(), [], 'used or too old, it is gone');
  }
});

test('transactions that nobody came back for are thrown away by the next one', async (t) => {
  const { now } = Date;
  t.after(() => (Date.now = now));
  const here = page(t);
  auth().signin();
  const first = await here.left;
  sessionStorage.setItem('postern:broken', '{');
  sessionStorage.setItem('the-application-s', 'own');
  Date.now = () => now() + 11 * MINUTE;
  auth().signin();
  while (!kept().some((key) => key !== 'postern:broken' && !key.endsWith(first.searchParams.get('state')))) {
    await new Promise(setImmediate);
  }
  assert.equal(kept().length, 1);
  assert.equal(sessionStorage.getItem('the-application-s'), 'own');
});

test('an error of the provider arrives, and the address is cleared', async (t) => {
  await wentAndCame(t, { more: { code: undefined, error: 'login_required', error_description: 'nobody is signed in' } });
  await assert.rejects(auth().handleRedirect(), { code: 'login_required', message: 'nobody is signed in' });
  assert.equal(location.href, `${ORIGIN}/orders`);
  assert.deepEqual(kept(), []);
});

test('without sessionStorage the sign-in fails before the page is left', async (t) => {
  const here = page(t);
  globalThis.sessionStorage.setItem = () => {
    throw new Error('The quota has been exceeded.');
  };
  await assert.rejects(auth().signin(), { name: 'AuthError', code: 'insecure_context', message: /sessionStorage.*quota/ });
  assert.equal(await Promise.race([here.left, 'still here']), 'still here');
});

test('an appState that JSON cannot hold is a TypeError, and the page is not left', async (t) => {
  const here = page(t);
  const around = {};
  around.around = around;
  for (const appState of [around, { count: 1n }]) {
    await assert.rejects(auth().signin({ appState }), TypeError);
    const told = [];
    await assert.rejects(auth().signin({ appState }, undefined, (error) => told.push(error)), TypeError);
    assert.deepEqual(told, [], 'a mistake in the call is no failed sign-in');
  }
  assert.deepEqual(kept(), []);
  assert.equal(await Promise.race([here.left, 'still here']), 'still here');
});

test('a sign-in that is given up before the page is left does not leave it', async (t) => {
  const here = page(t);
  const controller = new AbortController();
  const signedIn = auth().signin({ signal: controller.signal });
  controller.abort();
  await assert.rejects(signedIn, { name: 'AuthError', code: 'aborted' });
  assert.deepEqual(kept(), []);
  assert.equal(await Promise.race([here.left, 'still here']), 'still here');
});
