// Signing in with a popup that comes back to a page of the application: what COOP: same-origin needs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ORIGIN, page } from './page.mjs';
import { answerTo, CLIENT, ISSUER, messageTo, tokenEndpoint } from './provider.mjs';
import { Auth, popupCallback } from '../dist/postern.mjs';

const popupCallbackUri = `${ORIGIN}/signed-in.html`;
const auth = (more) => new Auth({ issuer: ISSUER, clientId: CLIENT, popupCallbackUri, ...more });

/** What the page at popupCallbackUri does, which has its own address and its own window. */
async function callbackPage(t, parameters) {
  const before = { location: globalThis.location, close: globalThis.close };
  let closed;
  const gone = new Promise((resolve) => (closed = resolve));
  globalThis.location = { search: `?${new URLSearchParams(parameters)}` };
  globalThis.close = closed;
  popupCallback();
  globalThis.location = before.location;
  await gone;
  globalThis.close = before.close;
}

test('the answer comes back over the channel, and the callback page closes itself', async (t) => {
  const here = page(t);
  here.reachable = false;
  const signedIn = auth().signin({ popup: true });
  const authorize = await here.popups[0].went;
  assert.equal(authorize.searchParams.get('response_mode'), 'query');
  assert.equal(authorize.searchParams.get('redirect_uri'), popupCallbackUri);
  tokenEndpoint(t, authorize);
  await callbackPage(t, answerTo(authorize));
  assert.equal((await signedIn).profile.sub, '96d0d973');
});

test('that COOP makes the popup seem closed does not end the sign-in', async (t) => {
  const here = page(t);
  here.reachable = false;
  const signedIn = auth().signin({ popup: true });
  const [popup] = here.popups;
  const authorize = await popup.went;
  popup.close();
  // Longer than a popup that answers by message is given after it closed.
  const early = await Promise.race([
    signedIn.then(() => 'signed in', (error) => error.code),
    new Promise((resolve) => setTimeout(resolve, 700, 'waiting')),
  ]);
  assert.equal(early, 'waiting');
  tokenEndpoint(t, authorize);
  await callbackPage(t, answerTo(authorize));
  await signedIn;
});

test('without an answer it ends by timeout, or when the application gives up', async (t) => {
  const here = page(t);
  here.reachable = false;
  const late = auth({ timeoutMs: 200 }).signin({ popup: true });
  here.popups[0].close();
  await assert.rejects(late, { code: 'timeout' });
  const controller = new AbortController();
  const given = auth().signin({ popup: true, signal: controller.signal });
  await here.popups[1].went;
  controller.abort();
  await assert.rejects(given, { code: 'aborted' });
});

test('a popup that was long in reach and is closed by the person is popup_closed', async (t) => {
  const here = page(t);
  const signedIn = auth().signin({ popup: true });
  const [popup] = here.popups;
  await popup.went;
  await popup.looked(61);
  popup.close();
  await assert.rejects(signedIn, { code: 'popup_closed' });
});

test('an answer counts whose page took two seconds to load after the windows were cut apart', async (t) => {
  const here = page(t);
  const signedIn = auth().signin({ popup: true });
  const [popup] = here.popups;
  const authorize = await popup.went;
  tokenEndpoint(t, authorize);
  await popup.looked(61);
  popup.close();
  setTimeout(() => callbackPage(t, answerTo(authorize)), 2000);
  await signedIn;
});

test('a popup that closes after a short time in reach may be cut off: its answer is waited for', async (t) => {
  const here = page(t);
  const signedIn = auth().signin({ popup: true });
  const [popup] = here.popups;
  const authorize = await popup.went;
  await popup.looked(10);
  popup.close();
  const early = await Promise.race([
    signedIn.then(() => 'signed in', (error) => error.code),
    new Promise((resolve) => setTimeout(resolve, 3500, 'waiting')),
  ]);
  assert.equal(early, 'waiting');
  tokenEndpoint(t, authorize);
  await callbackPage(t, answerTo(authorize));
  await signedIn;
});

test('an answer to another sign-in is not heard; one with a wrong issuer is state_mismatch', async (t) => {
  const here = page(t);
  here.reachable = false;
  const signedIn = auth().signin({ popup: true });
  const authorize = await here.popups[0].went;
  const asked = tokenEndpoint(t, authorize);
  await callbackPage(t, answerTo(authorize, { state: 'another' }));
  here.say(here.popups[0], ISSUER, messageTo(authorize));
  const ended = assert.rejects(signedIn, { code: 'state_mismatch' });
  await callbackPage(t, answerTo(authorize, { iss: 'https://other.example.com' }));
  await ended;
  assert.equal(asked.length, 0);
});

test('an error of the provider arrives as well', async (t) => {
  const here = page(t);
  const signedIn = auth().signin({ popup: true });
  const authorize = await here.popups[0].went;
  const { state, iss } = answerTo(authorize);
  const ended = assert.rejects(signedIn, { code: 'access_denied', message: 'not for you', requestId: undefined });
  await callbackPage(t, { error: 'access_denied', error_description: 'not for you', state, iss });
  await ended;
});

test('popupCallback does nothing on a page that was not opened with an answer', (t) => {
  for (const path of ['/', '/?state=x', '/?code=x', '/?error=x', '/?q=search']) {
    const here = page(t, path);
    globalThis.BroadcastChannel = class {
      constructor() {
        assert.fail(`a channel for ${path}`);
      }
    };
    popupCallback();
    assert.equal(here.closed, undefined);
  }
});
