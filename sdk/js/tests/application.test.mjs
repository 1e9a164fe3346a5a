// What the application calls: the constructor, callbacks, who is signed in, signing out, the script element.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';

import { page } from './page.mjs';
import { CLIENT, ISSUER, messageTo, tokenEndpoint } from './provider.mjs';
import { Auth, AuthError } from '../dist/postern.mjs';

/** Ends the popup sign-in that was just begun well. */
async function answered(t, here) {
  const popup = here.popups.at(-1);
  const authorize = await popup.went;
  tokenEndpoint(t, authorize);
  here.say(popup, ISSUER, messageTo(authorize));
}

test('an issuer that cannot be one is a TypeError that says what to give', () => {
  for (const issuer of [
    undefined,
    '',
    'login.example.com',
    'http://login.example.com',
    'https://',
    'https://login.example.com/tenant',
    'https://login.example.com?x',
  ]) {
    assert.throws(() => new Auth({ issuer, clientId: CLIENT }), { name: 'TypeError', message: /issuer is ".*Give an origin like/ });
  }
});

test('a missing clientId is a TypeError that says what to give', () => {
  for (const clientId of [undefined, '']) {
    assert.throws(() => new Auth({ issuer: ISSUER, clientId }), { name: 'TypeError', message: /clientId is .*Give/ });
  }
});

test('the issuer is an origin, however it is written', async (t) => {
  for (const issuer of [`${ISSUER}/`, 'https://LOGIN.example.com:443']) {
    const here = page(t);
    const signedIn = new Auth({ issuer, clientId: CLIENT }).signin({ popup: true });
    await answered(t, here);
    assert.ok(await signedIn, issuer);
  }
});

test('a page without crypto.subtle is insecure_context', (t) => {
  const { crypto } = globalThis;
  t.after(() => Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true }));
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  assert.throws(() => new Auth({ issuer: ISSUER, clientId: CLIENT }), { name: 'AuthError', code: 'insecure_context', message: /https/ });
});

test('options that are undefined are as if they were not there', async (t) => {
  const here = page(t);
  const postern = new Auth({ issuer: ISSUER, clientId: CLIENT, timeoutMs: undefined, popupCallbackUri: undefined });
  const signedIn = postern.signin({ popup: true, scope: undefined, signal: undefined });
  await answered(t, here);
  assert.ok(await signedIn);
});

test('parameters that are null are not sent', async (t) => {
  const here = page(t);
  const postern = new Auth({ issuer: ISSUER, clientId: CLIENT });
  const nothing = { connection: null, loginHint: null, prompt: null, maxAge: null, uiLocales: null };
  const signedIn = postern.signin({ popup: true, ...nothing });
  const sent = (await here.popups[0].went).searchParams;
  for (const name of ['connection', 'login_hint', 'prompt', 'max_age', 'ui_locales']) assert.equal(sent.get(name), null, name);
  await answered(t, here);
  assert.ok(await signedIn);
  postern.signout({ returnTo: null, state: null });
  assert.deepEqual([...(await here.left).searchParams.keys()], ['id_token_hint', 'client_id']);
});

test('onLoginSuccess is called with the result, which is also the promise of it', async (t) => {
  const here = page(t);
  const called = [];
  const signedIn = new Auth({ issuer: ISSUER, clientId: CLIENT }).signin(
    { popup: true },
    (...given) => called.push(given),
    () => assert.fail('onLoginFailed was called'),
  );
  await answered(t, here);
  const result = await signedIn;
  assert.deepEqual(called, [[result]]);
});

test('onLoginFailed is called with the AuthError, and the promise does not reject', async (t) => {
  page(t).clicked = false;
  const called = [];
  const ended = await new Auth({ issuer: ISSUER, clientId: CLIENT }).signin(
    { popup: true },
    () => assert.fail('onLoginSuccess was called'),
    (...given) => called.push(given),
  );
  assert.equal(ended, undefined);
  assert.equal(called.length, 1);
  assert.ok(called[0][0] instanceof AuthError);
  assert.equal(called[0][0].code, 'popup_blocked');
});

test('without onLoginFailed the promise rejects', async (t) => {
  page(t).clicked = false;
  const signedIn = new Auth({ issuer: ISSUER, clientId: CLIENT }).signin({ popup: true }, () => assert.fail());
  await assert.rejects(signedIn, { code: 'popup_blocked' });
});

test('what a callback throws is an uncaught error of the page, not a failed sign-in', async (t) => {
  const here = page(t);
  const mistake = new Error("the application's own");
  const throws = () => {
    throw mistake;
  };
  const postern = new Auth({ issuer: ISSUER, clientId: CLIENT });
  const signedIn = postern.signin({ popup: true }, throws, () => assert.fail('onLoginFailed was called'));
  await answered(t, here);
  assert.ok(await signedIn);
  here.clicked = false;
  assert.equal(await postern.signin({ popup: true }, undefined, throws), undefined);
  assert.deepEqual(here.uncaught, [mistake, mistake]);
});

test('signing out goes to Postern with the ID token as the hint, and forgets who it was', async (t) => {
  const here = page(t);
  const postern = new Auth({ issuer: ISSUER, clientId: CLIENT });
  assert.equal(postern.getUser(), null);
  const signedIn = postern.signin({ popup: true });
  await answered(t, here);
  const { idToken } = await signedIn;
  postern.signout({ returnTo: 'https://app.example.com/bye', state: 's' });
  const left = await here.left;
  assert.equal(left.origin + left.pathname, `${ISSUER}/signout`);
  assert.deepEqual(Object.fromEntries(left.searchParams), {
    id_token_hint: idToken,
    client_id: CLIENT,
    post_logout_redirect_uri: 'https://app.example.com/bye',
    state: 's',
  });
  assert.equal(postern.getUser(), null);
});

test('signing out without a sign-in on this page sends no hint', async (t) => {
  const here = page(t);
  new Auth({ issuer: ISSUER, clientId: CLIENT }).signout();
  assert.equal((await here.left).search, `?client_id=${CLIENT}`);
});

test('a script from /sdk/v1.js knows its issuer; a copy elsewhere does not', async () => {
  const source = await readFile(new URL('../dist/postern.global.js', import.meta.url), 'utf8');
  const loaded = (src) => {
    const window = {};
    runInNewContext(source, { window, document: { currentScript: { src } }, URL, crypto });
    return window.Postern;
  };
  for (const src of [`${ISSUER}/sdk/v1.js`, `${ISSUER}/sdk/v1.js?x=1`]) {
    const { Auth: Global, AuthError: Failure, popupCallback } = loaded(src);
    assert.ok(new Global({ clientId: CLIENT }));
    assert.equal(new Failure('timeout', 'x').code, 'timeout');
    assert.equal(typeof popupCallback, 'function');
  }
  const { Auth: Copy } = loaded('https://cdn.example.net/@postern/sdk/dist/postern.global.js');
  assert.throws(() => new Copy({ clientId: CLIENT }), /issuer is ""/);
  assert.ok(new Copy({ clientId: CLIENT, issuer: ISSUER }));
});
