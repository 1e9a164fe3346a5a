// The SDK as the gateway serves it, in pages of the registered origin: the snippet of the documentation, and everything
// that can go wrong around a popup.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { application, channelPage } from './application.mjs';
import { chromium, windowFrom } from './chromium.mjs';
import { display } from './display.mjs';
import { firefox } from './firefox.mjs';
import { bare, claims, redeem, textOf } from './flow.mjs';
import { firstPage, form, press, reason, signInByPassword, ways } from './pages.mjs';
import { rigUp } from './rig.mjs';
import { never, until } from './waiting.mjs';

const BY_FORM = { popup: true, connection: 'ContosoAD', scope: 'openid name email' };

let rig;
let app;
before(async () => {
  rig = await rigUp();
  app = await application(rig, {
    '/callback.html': await channelPage(rig),
    '/attacker.html': '<!doctype html><title>Attacker</title><h1>Attacker</h1>',
  });
}, { timeout: 120_000 });
after(async () => {
  await app?.stop();
  await rig?.stop();
});

/** The application's page in a browser of its own. */
async function opened(t, { query = {}, origin = app.origin, launch = chromium, ...options } = {}) {
  const browser = await launch(rig, options);
  t.after(() => browser.close());
  const page = await firstPage(browser);
  const values = Object.entries(query).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  await page.goto(`${origin}/?${new URLSearchParams(values)}`);
  return { browser, page };
}

/** Clicks on "Sign in", and returns the popup. */
async function popupOf(page) {
  const popup = new Promise((resolve) => page.once('popup', resolve));
  await page.click('#sign-in');
  return popup;
}

/** What the application's page was told. */
async function outcome(page, seconds) {
  return until('the outcome of the sign-in', () => page.evaluate(() => window.outcome), seconds);
}

async function failed(page, code, seconds) {
  const told = await outcome(page, seconds);
  assert.equal(told.failed?.code, code, JSON.stringify(told));
  assert.ok(told.failed.isAuthError && told.failed.isError);
  assert.ok(told.failed.message.length > 10, told.failed.message);
  return told.failed;
}

const isClosed = (popup) => until('the popup to be closed', () => popup.isClosed());

const IN_RANGE = { certificates: ['jon'], chooses: 'jon' };

describe('the snippet', { concurrency: 2 }, () => {
  test('word for word as it is documented', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { ...IN_RANGE, query: { way: 'snippet' } });
    const popup = await popupOf(page);
    const { ok } = await outcome(page);
    assert.equal(ok.profile.name, 'Jon Snow');
    assert.equal(ok.profile.email, 'jon@fabrikam.test');
    assert.equal(claims(ok.idToken).aud, rig.page.client_id);
    assert.equal(claims(ok.idToken).iss, rig.issuer);
    assert.ok(ok.expiresAt > Date.now() && ok.accessToken);
    await isClosed(popup);
    const left = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
    assert.deepEqual(left, [0, 0, ''], 'nothing is stored');
  });

  test('with promises, and what the application gave along', { timeout: 60_000 }, async (t) => {
    const request = { popup: true, connection: 'FabrikamAD', scope: 'openid', appState: { at: 7 } };
    const { page } = await opened(t, { ...IN_RANGE, query: { way: 'promise', request } });
    await popupOf(page);
    const { ok } = await outcome(page);
    assert.deepEqual(ok.appState, { at: 7 });
    assert.equal(ok.profile.name, undefined, 'a scope that was not asked for');
    // Signed in once, the popup of the next time has nothing to ask.
    await page.evaluate(() => { window.outcome = undefined; });
    await popupOf(page);
    assert.equal((await outcome(page)).ok.profile.sub, ok.profile.sub);
  });

  test('in Firefox', { timeout: 90_000 }, async (t) => {
    const { page } = await opened(t, { launch: firefox, certificates: ['jon'], chooses: true, query: { way: 'snippet' } });
    await popupOf(page);
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
  });

  test('with the form, after a wrong password', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: BY_FORM } });
    const popup = await popupOf(page);
    await form(popup);
    await signInByPassword(popup, rig, 'jane', 'not hers');
    await reason(popup, 'wrong_credentials');
    await signInByPassword(popup, rig, 'jane');
    assert.equal((await outcome(page)).ok.profile.name, 'Jane Doe');
    await isClosed(popup);
  });

  test('without a certificate, the popup shows the form', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { way: 'snippet' } });
    const popup = await popupOf(page);
    await reason(popup, 'no_certificate');
    await signInByPassword(popup, rig, 'jon');
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
  });

  test('chosen by the keyboard in the popup', { timeout: 90_000 }, async (t) => {
    const screen = await display(1100, 900);
    t.after(() => screen.stop());
    const { page } = await opened(t, { display: screen, size: null, certificates: ['jon'], query: { way: 'snippet' } });
    await page.click('#sign-in');
    const { left, top, width, height } = await windowFrom(page);
    // 600 by 720 for the page; the browser draws its own things around it.
    assert.ok(width >= 600 && width <= 620 && height >= 720 && height <= 800, `${width} x ${height}`);
    screen.lookAt(left, top, width, height);
    await screen.dialog();
    await screen.answer('Return');
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
  });

  test('by leaving the page', { timeout: 60_000 }, async (t) => {
    const request = { popup: false, connection: 'FabrikamAD', scope: 'openid name', appState: 'here' };
    const { page } = await opened(t, { ...IN_RANGE, query: { request } });
    await page.click('#sign-in');
    const { ok } = await outcome(page);
    assert.equal(ok.profile.name, 'Jon Snow');
    assert.equal(ok.appState, 'here');
    assert.equal(page.url(), `${app.origin}/`, 'the answer is out of the address');
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  });

  test('signs out, and the next sign-in waits for the person', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { ...IN_RANGE, query: { way: 'snippet' } });
    await popupOf(page);
    assert.ok((await outcome(page)).ok);
    await page.click('#sign-out');
    await until('the way back', () => page.url() === `${app.origin}/`);
    await page.goto(`${app.origin}/?way=snippet`);
    const popup = await popupOf(page);
    await popup.waitForSelector(ways.certificate);
    await never('signed in silently', () => page.evaluate(() => window.outcome), 1500);
    await press(popup, ways.certificate);
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
  });
});

describe('a popup that does not end well', { concurrency: 2 }, () => {
  test('closed by the user', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: BY_FORM } });
    const popup = await popupOf(page);
    await form(popup);
    // The SDK looks now and then; it has to have seen the page.
    await page.evaluate(() => new Promise((resolve) => { setTimeout(resolve, 700); }));
    await popup.close();
    await failed(page, 'popup_closed');
  });

  test('blocked', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: BY_FORM, at: 'load' }, blocksPopups: true });
    await failed(page, 'popup_blocked');
  });

  test('timed out', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: BY_FORM, options: { timeoutMs: 2000 } } });
    const popup = await popupOf(page);
    await failed(page, 'timeout');
    await isClosed(popup);
  });

  test('aborted', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: BY_FORM, way: 'aborted' } });
    const popup = await popupOf(page);
    await form(popup);
    await page.evaluate(() => window.controller.abort());
    await failed(page, 'aborted');
    await isClosed(popup);
  });

  test('cancelled by the person', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: BY_FORM, way: 'callbacks' } });
    const popup = await popupOf(page);
    await form(popup);
    await press(popup, ways.cancel);
    const error = await failed(page, 'access_denied');
    assert.ok(error.requestId, 'what the log knows it by');
    await isClosed(popup);
  });

  test('nobody signed in, and nobody to be asked', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { query: { request: { ...BY_FORM, prompt: 'none' } } });
    await popupOf(page);
    await failed(page, 'login_required');
  });
});

describe('windows that are cut off', { concurrency: 2 }, () => {
  test('Cross-Origin-Opener-Policy: same-origin without a callback page', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { ...IN_RANGE, query: { way: 'snippet', coop: 'same-origin' } });
    assert.equal(await page.evaluate(() => window.outcome), undefined);
    await popupOf(page);
    await failed(page, 'popup_severed');
  });

  test('the same with one', { timeout: 60_000 }, async (t) => {
    const options = { popupCallbackUri: `${app.origin}/callback.html` };
    const { page } = await opened(t, { ...IN_RANGE, query: { way: 'snippet', coop: 'same-origin', options } });
    await popupOf(page);
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
    assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  });

  test('same-origin-allow-popups', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { ...IN_RANGE, query: { way: 'snippet', coop: 'same-origin-allow-popups' } });
    await popupOf(page);
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
  });
});

describe('strangers', { concurrency: 2 }, () => {
  /** The address that the SDK opens, with `redirect_uri` as it is. */
  async function openedAddress(page) {
    const asked = new Promise((resolve) => page.browser().on('targetchanged', (target) => {
      if (target.url().startsWith(`${rig.issuer}/authorize`)) resolve(target.url());
    }));
    const popup = await popupOf(page);
    const address = await asked;
    // It may have been quicker.
    await popup.close().catch(() => {});
    return address;
  }

  test('a page of another origin that opens the window hears nothing', { timeout: 60_000 }, async (t) => {
    const { browser, page } = await opened(t, { ...IN_RANGE, query: { request: { ...BY_FORM, connection: 'FabrikamAD' } } });
    const address = await openedAddress(page);
    assert.equal(new URL(address).searchParams.get('response_mode'), 'web_message');
    const heard = async (origin) => {
      const attacker = await browser.newPage();
      await attacker.goto(`${origin}/attacker.html`);
      const popup = new Promise((resolve) => attacker.once('popup', resolve));
      await attacker.evaluate((url) => {
        window.heard = [];
        window.addEventListener('message', ({ origin: from, data }) => window.heard.push([from, data]));
        window.open(url, 'window', 'popup');
      }, address);
      await isClosed(await popup);
      await never('it heard something', async () => origin !== app.origin && attacker.evaluate(() => window.heard.length), 500);
      return attacker.evaluate(() => window.heard);
    };
    assert.deepEqual(await heard(app.stranger), []);
    // The same at the registered origin is heard: the window did say something.
    const [[from, message]] = await heard(app.origin);
    assert.equal(from, rig.issuer);
    assert.equal(message.type, 'authorization_response');
    assert.ok(message.response.code && message.response.state && message.response.iss === rig.issuer);
  });

  test('an origin that is not registered gets a page that says so', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { ...IN_RANGE, origin: app.stranger, query: { way: 'promise' } });
    await page.evaluate(() => {
      window.heard = [];
      window.addEventListener('message', ({ data }) => window.heard.push(data));
    });
    const popup = await popupOf(page);
    await until(async () => `the error page: ${await textOf(popup)}`, () => popup.$('[role="alert"]'));
    assert.equal(bare(popup.url()), `${rig.issuer}/authorize`);
    await never('something was said', () => page.evaluate(() => window.heard.length), 500);
    await popup.close();
    await failed(page, 'popup_closed');
  });

  test('a message that was recorded is of no use', { timeout: 60_000 }, async (t) => {
    const { browser, page } = await opened(t, { query: { request: BY_FORM } });
    await page.evaluate(() => {
      window.heard = [];
      window.addEventListener('message', ({ origin, data }) => window.heard.push([origin, data]));
    });
    const first = await popupOf(page);
    await signInByPassword(first, rig, 'jon');
    assert.equal((await outcome(page)).ok.profile.name, 'Jon Snow');
    const [[, recorded]] = await page.evaluate(() => window.heard);

    // While somebody else signs in, the recording is played: by a stranger's window, and by the page itself.
    await browser.deleteCookie(...(await browser.cookies()).filter(({ name }) => name === '__Host-session'));
    await page.evaluate(() => { window.outcome = undefined; window.heard = []; });
    const second = await popupOf(page);
    await form(second);
    const opening = new Promise((resolve) => page.once('popup', resolve));
    await page.evaluate((url) => { window.open(url); }, `${app.stranger}/attacker.html`);
    const attacker = await opening;
    await until('the attacker to be there', () => attacker.$('h1'));
    const play = (message) => window.opener.postMessage(message, '*');
    await attacker.evaluate(play, recorded);
    await page.evaluate((message) => window.postMessage(message, '*'), recorded);
    const origins = await until('both to be heard', () => page.evaluate(() => window.heard.length === 2 && window.heard.map(([origin]) => origin)));
    assert.deepEqual(origins.sort(), [app.origin, app.stranger].sort());
    await never('the recording was believed', () => page.evaluate(() => window.outcome), 1000);
    // Its code has been redeemed.
    const asked = { redirectUri: app.origin, clientId: rig.page.client_id, verifier: 'x'.repeat(43) };
    assert.equal((await redeem(rig, asked, recorded.response.code)).body.error, 'invalid_grant');
    await signInByPassword(second, rig, 'jane');
    assert.equal((await outcome(page)).ok.profile.name, 'Jane Doe');
  });
});
