// What pages of other origins get: browsers send certificates to whoever is asked for, so the gateway has to
// tell a person's own visit from a script's.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { application } from './application.mjs';
import { chromium } from './chromium.mjs';
import { firefox } from './firefox.mjs';
import { account, arrived, authorize, redeem } from './flow.mjs';
import { firstPage, ways } from './pages.mjs';
import { rigUp } from './rig.mjs';
import { until } from './waiting.mjs';

let rig;
let app;
before(async () => {
  rig = await rigUp();
  app = await application(rig, { '/attacker.html': '<!doctype html><title>Attacker</title><h1>Attacker</h1>' });
}, { timeout: 120_000 });
after(async () => {
  await app?.stop();
  await rig?.stop();
});

/** A browser whose person has begun to sign in: the certificate host's address of that sign-in. */
async function begun(t, launch, options) {
  const browser = await launch(rig, options);
  t.after(() => browser.close());
  const page = await firstPage(browser);
  const asked = authorize(rig, { prompt: 'login' });
  await page.goto(asked.url);
  const link = await page.waitForSelector(ways.certificate);
  const address = await link.evaluate((each) => each.href);
  return { browser, page, asked, address };
}

/** Asks for `address` in every way a page can without leaving; what the page itself could learn. */
async function tries(page, address) {
  return page.evaluate(async (url) => {
    const loaded = (element) => new Promise((resolve) => {
      element.onload = () => resolve('loaded');
      element.onerror = () => resolve('error');
      document.body.append(element);
    });
    const made = (name, attributes) => Object.assign(document.createElement(name), attributes);
    const asked = async (options) => {
      try {
        const response = await fetch(url, options);
        return response.type === 'opaque' ? 'opaque' : `${response.status} ${await response.text()}`;
      } catch (error) {
        return error.name;
      }
    };
    const frame = made('iframe', { src: url });
    const framed = await loaded(frame);
    let inside;
    try {
      inside = frame.contentDocument ? frame.contentDocument.body.textContent : 'out of reach';
    } catch {
      inside = 'out of reach';
    }
    return {
      omitting: await asked({ credentials: 'omit' }),
      including: await asked({ credentials: 'include' }),
      preflighted: await asked({ credentials: 'include', headers: { 'x-own': '1' } }),
      blind: await asked({ mode: 'no-cors', credentials: 'include' }),
      image: await loaded(made('img', { src: url, alt: '' })),
      script: await loaded(made('script', { src: url })),
      framed,
      inside,
    };
  }, address);
}

describe('the certificate host and other pages', () => {
  for (const [name, launch, options] of [
    ['Chromium', chromium, { certificates: ['jon'], chooses: 'jon' }],
    ['Firefox', firefox, { certificates: ['jon'], chooses: true }],
  ]) {
    test(`${name}: a page of another site gets nothing`, { timeout: 90_000 }, async (t) => {
      const { browser, page, asked, address } = await begun(t, launch, options);
      const attacker = await browser.newPage();
      const statuses = [];
      attacker.on('response', (response) => {
        if (new URL(response.url()).hostname === 'cert.localhost') statuses.push(response.status());
      });
      await attacker.goto(`${app.stranger}/attacker.html`);
      // With the address of a sign-in that is under way, which no attacker has.
      const told = await tries(attacker, address);
      for (const way of ['omitting', 'including', 'preflighted']) {
        assert.match(told[way], /^TypeError$/, `${way} could be read`);
      }
      assert.equal(told.image, 'error');
      assert.equal(told.script, 'error');
      assert.equal(told.inside, 'out of reach');
      await until('answers to be seen', () => statuses.length > 0);
      assert.ok(statuses.every((status) => status >= 400), `answered with ${statuses.join(' ')}`);
      assert.ok(statuses.includes(403), statuses.join(' '));
      // The person's own visit of that very address signs in.
      await page.goto(address).catch(() => {});
      assert.equal(await account(rig, page, asked), 'jon');
    });
  }

  test('an attacker cannot finish somebody else\'s sign-in with it', { timeout: 60_000 }, async (t) => {
    // Begun in the attacker's browser, opened by the victim's.
    const attacker = await begun(t, chromium, {});
    const browser = await chromium(rig, { certificates: ['jane'], chooses: 'jane' });
    t.after(() => browser.close());
    const page = await firstPage(browser);
    await page.goto(attacker.address);
    await until('a page that says why not', () => page.$('[role="alert"]'));
    assert.equal(new URL(page.url()).pathname, '/resume');
    assert.deepEqual((await browser.cookies()).filter(({ name }) => name === '__Host-session'), []);
  });
});

describe('tokens and other pages', () => {
  test('only pages of registered origins can read the token endpoint and userinfo', { timeout: 60_000 }, async (t) => {
    const { page, asked, address } = await begun(t, chromium, { certificates: ['jon'], chooses: 'jon' });
    await page.goto(address).catch(() => {});
    const { code } = await arrived(page, asked);
    const { body } = await redeem(rig, asked, code);
    const other = await page.browser().newPage();
    const readable = async (origin) => {
      await other.goto(`${origin}/attacker.html`);
      return other.evaluate(async ({ issuer, token }) => {
        const read = (url, options) => fetch(url, options).then((response) => response.status, (error) => error.name);
        return {
          token: await read(`${issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'authorization_code' }) }),
          userinfo: await read(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } }),
          metadata: await read(`${issuer}/.well-known/openid-configuration`),
        };
      }, { issuer: rig.issuer, token: body.access_token });
    };
    // The registered one reads the refusal of a code it does not send, and the person.
    const registered = await readable(app.origin);
    assert.equal(registered.userinfo, 200);
    assert.ok([400, 401].includes(registered.token), `${registered.token}`);
    assert.deepEqual(await readable(app.stranger), { token: 'TypeError', userinfo: 'TypeError', metadata: 200 });
  });
});
