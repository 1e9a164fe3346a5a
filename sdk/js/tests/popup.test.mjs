// Signing in with a popup whose page answers by message.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ORIGIN, page } from './page.mjs';
import { CLIENT, CODE, ISSUER, messageTo, tokenEndpoint } from './provider.mjs';
import { Auth, AuthError } from '../dist/postern.mjs';

const options = { popup: true, connection: 'FabrikamAD', scope: 'openid name email' };
const auth = (more) => new Auth({ issuer: ISSUER, clientId: CLIENT, ...more });
const code = (expected) => (error) => error instanceof AuthError && error.code === expected;

test('the popup opens in the click, over the middle of the page, and goes to /authorize', async (t) => {
  const here = page(t);
  const signedIn = auth().signin({
    ...options,
    loginHint: 'jon & co',
    prompt: 'login',
    maxAge: 0,
    uiLocales: 'de en',
  });
  assert.equal(here.popups.length, 1, 'before anything was waited for');
  const [popup] = here.popups;
  assert.equal(popup.opened.url, 'about:blank');
  assert.equal(popup.opened.features, 'popup,width=600,height=720,left=500,top=140');
  const authorize = await popup.went;
  assert.equal(authorize.origin + authorize.pathname, `${ISSUER}/authorize`);
  const { state, nonce, code_challenge, ...rest } = Object.fromEntries(authorize.searchParams);
  assert.deepEqual(rest, {
    response_type: 'code',
    response_mode: 'web_message',
    client_id: CLIENT,
    redirect_uri: ORIGIN,
    scope: 'openid name email',
    code_challenge_method: 'S256',
    connection: 'FabrikamAD',
    prompt: 'login',
    max_age: '0',
    login_hint: 'jon & co',
    ui_locales: 'de en',
  });
  for (const value of [state, nonce, code_challenge]) assert.match(value, /^[\w-]{43}$/);
  assert.notEqual(state, nonce);
  tokenEndpoint(t, authorize);
  here.say(popup, ISSUER, messageTo(authorize));
  await signedIn;
});

test('the answer is redeemed, and the popup is closed', async (t) => {
  const here = page(t);
  const postern = auth();
  const signedIn = postern.signin({ ...options, appState: { from: '/orders' } });
  const authorize = await here.popups[0].went;
  const asked = tokenEndpoint(t, authorize);
  here.say(here.popups[0], ISSUER, messageTo(authorize));
  const before = Date.now();
  const { expiresAt, idToken, ...result } = await signedIn;
  assert.deepEqual(result, {
    profile: {
      sub: '96d0d973',
      acr: 'urn:postern:acr:certificate',
      amr: ['swk'],
      name: 'Jon Šnow',
      email: 'jon@fabrikam.example',
    },
    accessToken: 'access',
    scope: 'openid email name',
    appState: { from: '/orders' },
  });
  assert.equal(idToken.split('.').length, 3);
  assert.ok(expiresAt >= before + 300_000 && expiresAt <= Date.now() + 300_000);
  assert.deepEqual(postern.getUser(), result.profile);
  assert.equal(here.popups[0].closed, true);
  assert.equal(asked.length, 1);
  const { method, credentials, redirect, referrerPolicy } = asked[0];
  assert.deepEqual(
    { method, credentials, redirect, referrerPolicy },
    { method: 'POST', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer' },
  );
  assert.equal(Object.keys(sessionStorage).length, 0, 'a popup needs no storage');
});

test('each popup is a window of its own, with a state, a nonce and a verifier of its own', async (t) => {
  const here = page(t);
  const values = new Set();
  for (const _ of [1, 2]) {
    auth().signin(options).catch(() => {});
    const popup = here.popups.at(-1);
    const { searchParams } = await popup.went;
    assert.equal(popup.opened.name, '_blank');
    for (const name of ['state', 'nonce', 'code_challenge']) values.add(searchParams.get(name));
    popup.close();
  }
  assert.equal(values.size, 6);
});

test('a blocked popup is popup_blocked', async (t) => {
  page(t).clicked = false;
  await assert.rejects(auth().signin(options), code('popup_blocked'));
});

test('messages of other origins, other windows and other kinds are not heard', async (t) => {
  const here = page(t);
  const signedIn = auth().signin(options);
  const [popup] = here.popups;
  const authorize = await popup.went;
  const good = messageTo(authorize);
  const forged = messageTo(authorize, { code: 'forged' });
  here.say(popup, 'https://evil.example', forged);
  here.say(popup, ORIGIN, forged);
  here.say(popup, `${ISSUER}:8443`, forged);
  here.say(popup, 'null', forged);
  here.say(here.window, ISSUER, forged);
  here.say(null, ISSUER, forged);
  here.say(popup, ISSUER, { ...forged, type: 'something_else' });
  here.say(popup, ISSUER, 'authorization_response');
  here.say(popup, ISSUER, null);
  const asked = tokenEndpoint(t, authorize);
  here.say(popup, ISSUER, good);
  await signedIn;
  assert.equal(new URLSearchParams(String(asked[0].body)).get('code'), CODE);
});

for (const [what, more] of [
  ['another state', { state: 'another' }],
  ['no state', { state: undefined }],
  ['another issuer', { iss: 'https://other.example.com' }],
  ['no issuer', { iss: undefined }],
  ['an error with another state', { state: 'another', error: 'access_denied', code: undefined }],
]) {
  test(`an answer with ${what} is state_mismatch, and its code is not redeemed`, async (t) => {
    const here = page(t);
    const signedIn = auth().signin(options);
    const authorize = await here.popups[0].went;
    const asked = tokenEndpoint(t, authorize);
    here.say(here.popups[0], ISSUER, messageTo(authorize, more));
    await assert.rejects(signedIn, code('state_mismatch'));
    assert.equal(asked.length, 0);
    assert.equal(here.popups[0].closed, true);
  });
}

test('a message without an answer is state_mismatch', async (t) => {
  const here = page(t);
  const signedIn = auth().signin(options);
  await here.popups[0].went;
  here.say(here.popups[0], ISSUER, { type: 'authorization_response' });
  await assert.rejects(signedIn, code('state_mismatch'));
});

test('a replayed message redeems nothing, not even in the next sign-in', async (t) => {
  const here = page(t);
  const postern = auth();
  const first = postern.signin(options);
  const authorize = await here.popups[0].went;
  const asked = tokenEndpoint(t, authorize);
  const message = messageTo(authorize);
  here.say(here.popups[0], ISSUER, message);
  here.say(here.popups[0], ISSUER, message);
  await first;
  here.say(here.popups[0], ISSUER, message);
  const second = postern.signin(options);
  await here.popups[1].went;
  here.say(here.popups[1], ISSUER, message);
  await assert.rejects(second, code('state_mismatch'));
  assert.equal(asked.length, 1);
});

test('an error of the provider keeps its code, its words and its request id', async (t) => {
  const here = page(t);
  const signedIn = auth().signin(options);
  const authorize = await here.popups[0].went;
  const says = { code: undefined, error: 'access_denied', error_description: 'not for you', request_id: 'req-1' };
  here.say(here.popups[0], ISSUER, messageTo(authorize, says));
  await assert.rejects(signedIn, { name: 'AuthError', code: 'access_denied', message: 'not for you', requestId: 'req-1' });
  assert.equal(here.popups[0].closed, true);
});

test('a popup that the person closes is popup_closed', async (t) => {
  const here = page(t);
  const signedIn = auth().signin(options);
  const [popup] = here.popups;
  await popup.went;
  await popup.looked(3);
  popup.close();
  await assert.rejects(signedIn, code('popup_closed'));
});

test('a message that comes shortly after its popup closed still counts', async (t) => {
  const here = page(t);
  const signedIn = auth().signin(options);
  const [popup] = here.popups;
  const authorize = await popup.went;
  tokenEndpoint(t, authorize);
  await popup.looked(3);
  popup.close();
  await popup.looked(1);
  setTimeout(() => here.say(popup, ISSUER, messageTo(authorize)), 200);
  assert.equal((await signedIn).profile.sub, '96d0d973');
});

test('a popup that COOP cuts off is popup_severed, and the message says what to do', async (t) => {
  const here = page(t);
  here.reachable = false;
  const signedIn = auth().signin(options);
  await here.popups[0].went;
  here.popups[0].close();
  await assert.rejects(signedIn, (error) => {
    assert.equal(error.code, 'popup_severed');
    assert.match(error.message, /COOP/);
    assert.match(error.message, /popupCallbackUri/);
    return true;
  });
});

test('a popup that is at the sign-in page for a moment while COOP cuts it off is popup_severed as well', async (t) => {
  const here = page(t);
  const signedIn = auth().signin(options);
  const [popup] = here.popups;
  await popup.went;
  await popup.looked(1);
  popup.close();
  await assert.rejects(signedIn, { code: 'popup_severed' });
});

test('a sign-in that takes too long is timeout, and its popup is closed', async (t) => {
  const here = page(t);
  await assert.rejects(auth({ timeoutMs: 20 }).signin(options), code('timeout'));
  assert.equal(here.popups[0].closed, true);
});

test('a time that is longer than a browser can count is the longest', async (t) => {
  for (const timeoutMs of [2 ** 31, Infinity]) {
    const here = page(t);
    const signedIn = auth({ timeoutMs }).signin(options);
    const authorize = await here.popups[0].went;
    // A timer that is set for too long ends after a millisecond.
    await new Promise((resolve) => setTimeout(resolve, 20));
    tokenEndpoint(t, authorize);
    here.say(here.popups[0], ISSUER, messageTo(authorize));
    assert.ok(await signedIn);
  }
});

test('the time also bounds the token request', async (t) => {
  const here = page(t);
  const signedIn = auth({ timeoutMs: 50 }).signin(options);
  const authorize = await here.popups[0].went;
  tokenEndpoint(t, authorize, (_claims, { signal }) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))));
  here.say(here.popups[0], ISSUER, messageTo(authorize));
  await assert.rejects(signedIn, code('timeout'));
});

test('the application can give up: before, while it waits, and while it redeems', async (t) => {
  const here = page(t);
  const given = AbortSignal.abort();
  await assert.rejects(auth().signin({ ...options, signal: given }), code('aborted'));
  assert.equal(here.popups.length, 0);

  const waiting = new AbortController();
  const first = auth().signin({ ...options, signal: waiting.signal });
  await here.popups[0].went;
  waiting.abort();
  await assert.rejects(first, code('aborted'));
  assert.equal(here.popups[0].closed, true);

  const redeeming = new AbortController();
  const second = auth().signin({ ...options, signal: redeeming.signal });
  const authorize = await here.popups[1].went;
  tokenEndpoint(t, authorize, (_claims, { signal }) => {
    redeeming.abort();
    throw signal.reason;
  });
  here.say(here.popups[1], ISSUER, messageTo(authorize));
  await assert.rejects(second, code('aborted'));
});

test('a newer sign-in takes the place of the one that runs', async (t) => {
  const here = page(t);
  const postern = auth();
  const first = postern.signin(options);
  const ended = assert.rejects(first, code('aborted'));
  await here.popups[0].went;
  const second = postern.signin(options);
  await ended;
  assert.equal(here.popups[0].closed, true);
  const authorize = await here.popups[1].went;
  tokenEndpoint(t, authorize);
  here.say(here.popups[1], ISSUER, messageTo(authorize));
  await second;
});
