// Signing in by redirects, in browsers that need no hand for it: what they choose is set beforehand.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { application } from './application.mjs';
import { chromium, chromiumHome } from './chromium.mjs';
import { firefox } from './firefox.mjs';
import { account, arrived, authorize, bare, redeem, send } from './flow.mjs';
import { documents, firstPage, form, press, reason, signInByPassword, ways } from './pages.mjs';
import { relay } from './relay.mjs';
import { rigUp } from './rig.mjs';
import { never, until } from './waiting.mjs';

let rig;
let app;
before(async () => {
  rig = await rigUp();
  // An application that takes its answer here and sends people on to another host of its own.
  const on = { location: `${rig.page.origin.replace('app.localhost', 'www.app.localhost')}/callback.html` };
  app = await application(rig, { '/': { status: 302, headers: on, body: '' } });
}, { timeout: 120_000 });
after(async () => {
  await app?.stop();
  await rig?.stop();
});

/** A browser for one test, and its page. */
async function opened(t, options, launch = chromium) {
  const browser = await launch(rig, options);
  t.after(() => browser.close());
  return { browser, page: await firstPage(browser) };
}

/** Where connections come out of 127.0.0.99, which is in nobody's range. */
async function outside(t, port = rig.port) {
  const from = await relay(port);
  t.after(() => from.stop());
  return from.place;
}

describe('in range', { concurrency: 2 }, () => {
  test('Chromium signs in without a question', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['jane', 'jon'], chooses: 'jon' });
    const asked = authorize(rig);
    const seen = documents(page);
    await page.goto(asked.url);
    assert.equal(await account(rig, page, asked), 'jon');
    assert.deepEqual(seen, ['200 login.localhost/authorize', '303 cert.localhost/', '303 login.localhost/resume',
      '200 app.localhost/callback.html']);
  });

  test('Firefox signs in without a question', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['jon'], chooses: true }, firefox);
    const asked = authorize(rig);
    await page.goto(asked.url);
    assert.equal(await account(rig, page, asked), 'jon');
  });

  test('the hosts may be at different gateways', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, {
      certificates: ['jon'], chooses: 'jon', names: { 'cert.localhost': `127.0.0.2:${rig.port}` },
    });
    const asked = authorize(rig);
    await page.goto(asked.url);
    assert.equal(await account(rig, page, asked), 'jon');
  });

  test('without a certificate there is the form, which says so', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, {});
    const asked = authorize(rig);
    await page.goto(asked.url);
    await form(page);
    await reason(page, 'no_certificate');
    assert.ok(await page.$('[role="alert"]'), 'it is announced');
    await signInByPassword(page, rig, 'jon');
    assert.equal(await account(rig, page, asked), 'jon');
  });

  test('a certificate of an authority that is not asked for is not sent', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['foreign'] });
    const asked = authorize(rig);
    await page.goto(asked.url);
    await reason(page, 'no_certificate');
  });

  for (const [name, code] of [['eve', 'disabled'], ['stranger', 'not_in_directory']]) {
    test(`${name}'s certificate is refused as ${code}, and the password is a way out`, { timeout: 60_000 }, async (t) => {
      const { page } = await opened(t, { certificates: [name], chooses: name });
      const asked = authorize(rig);
      await page.goto(asked.url);
      await reason(page, code);
      assert.ok(await page.$(ways.another), 'another certificate can be tried');
      await press(page, ways.password);
      await signInByPassword(page, rig, 'jane');
      assert.equal(await account(rig, page, asked), 'jane');
    });
  }
});

describe('out of range', { concurrency: 2 }, () => {
  test('there is the form, and no word of certificates', { timeout: 60_000 }, async (t) => {
    const place = await outside(t);
    // If it were asked for a certificate, Chromium would wait for ever: headless, it has no dialog to show.
    const { page } = await opened(t, {
      certificates: ['jon', 'jane'], names: { 'login.localhost': place, 'cert.localhost': place },
    });
    const asked = authorize(rig);
    const seen = documents(page);
    await page.goto(asked.url);
    await form(page);
    assert.equal(await page.$(ways.certificate), null);
    assert.equal(await page.$(ways.another), null);
    assert.deepEqual(seen, ['200 login.localhost/authorize']);
    // The certificate host itself asks for none either, and says why nobody gets further there.
    const transaction = await page.$eval('input[name="tx"]', (input) => input.value);
    await page.goto(`${rig.certificateOrigin()}/?tx=${transaction}`);
    await reason(page, 'address_not_in_range');
  });

  test('the password signs in, the wrong one does not', { timeout: 60_000 }, async (t) => {
    const place = await outside(t);
    const { page } = await opened(t, { names: { 'login.localhost': place, 'cert.localhost': place } });
    const asked = authorize(rig);
    await page.goto(asked.url);
    await signInByPassword(page, rig, 'jane', 'not hers');
    await reason(page, 'wrong_credentials');
    assert.equal(await page.$eval('#user_name', (input) => input.value), 'jane');
    assert.equal(await page.$eval('#password', (input) => input.value), '');
    await signInByPassword(page, rig, 'jane');
    assert.equal(await account(rig, page, asked), 'jane');
  });

  test('an address that changes on the way to the certificate host is told of', { timeout: 60_000 }, async (t) => {
    const place = await outside(t);
    const { page } = await opened(t, { certificates: ['jon'], chooses: 'jon', names: { 'cert.localhost': place } });
    const asked = authorize(rig);
    await page.goto(asked.url);
    await reason(page, 'address_changed');
    assert.equal(new URL(page.url()).hostname, 'cert.localhost');
    assert.equal(await page.$(ways.another), null, 'another certificate would not help');
    await press(page, ways.password);
    await signInByPassword(page, rig, 'jon');
    assert.equal(await account(rig, page, asked), 'jon');
  });

  test('the other way round, only the form is offered', { timeout: 60_000 }, async (t) => {
    const place = await outside(t);
    const { page } = await opened(t, { certificates: ['jon'], chooses: 'jon', names: { 'login.localhost': place } });
    const asked = authorize(rig);
    const seen = documents(page);
    await page.goto(asked.url);
    await signInByPassword(page, rig, 'jon');
    assert.equal(await account(rig, page, asked), 'jon');
    assert.ok(seen.every((each) => !each.includes('cert.localhost')), seen.join('\n'));
  });
});

test('after the password, an application may send people on to another host', { timeout: 60_000 }, async (t) => {
  const { page } = await opened(t, {});
  await page.goto(authorize(rig, { connection: 'ContosoAD', redirect_uri: `${app.origin}/` }).url);
  await signInByPassword(page, rig, 'jon');
  await until(() => `the other host; it is at ${bare(page.url())}`, () => new URL(page.url()).hostname === 'www.app.localhost');
});

describe('a session', { concurrency: 2 }, () => {
  test('is used again without a page', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['jon'], chooses: 'jon' });
    const first = authorize(rig);
    await page.goto(first.url);
    assert.equal(await account(rig, page, first), 'jon');
    const seen = documents(page);
    const second = authorize(rig);
    await page.goto(second.url);
    assert.equal(await account(rig, page, second), 'jon');
    assert.deepEqual(seen, ['303 login.localhost/authorize', '200 app.localhost/callback.html']);
    // A session of one connection is none of another's.
    const other = authorize(rig, { connection: 'ContosoAD' });
    await page.goto(other.url);
    await form(page);
  });

  test('ends with the sign-out, and nothing signs in silently then', { timeout: 90_000 }, async (t) => {
    const home = await chromiumHome(rig, { certificates: ['jon'], chooses: 'jon' });
    let { browser, page } = await opened(t, { home });
    const first = authorize(rig);
    await page.goto(first.url);
    assert.equal(await account(rig, page, first), 'jon');
    await page.goto(`${rig.issuer}/signout`);
    await press(page, ways.signOut);
    await until('the end of the session', async () => !(await page.$(ways.signOut)));

    const waits = async () => {
      const again = authorize(rig);
      const seen = documents(page);
      await page.goto(again.url);
      await page.waitForSelector(ways.certificate);
      await never('it went on by itself', () => seen.find((each) => !each.includes('login.localhost')), 1500);
      return again;
    };
    await waits();
    await browser.close();
    // With the same profile, its cookies and its choice of certificates.
    ({ browser, page } = await opened(t, { home }));
    const again = await waits();
    await press(page, ways.certificate);
    assert.equal(await account(rig, page, again), 'jon');
  });
});

describe('this device', () => {
  test('can prefer the password, and can take that back', { timeout: 90_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['jon'], chooses: 'jon' });
    const first = authorize(rig, { prompt: 'login' });
    await page.goto(first.url);
    await press(page, ways.password);
    await form(page);
    await press(page, ways.prefer);
    await signInByPassword(page, rig, 'jon');
    assert.equal(await account(rig, page, first), 'jon');

    const withoutSession = () => page.deleteCookie({ name: '__Host-session', url: rig.issuer });
    await withoutSession();
    const second = authorize(rig);
    const seen = documents(page);
    await page.goto(second.url);
    await form(page);
    assert.deepEqual(seen, ['200 login.localhost/authorize'], 'no page and no question before the form');
    // It is undone, and asked for a certificate at once, and the next time too.
    await press(page, ways.forgetPreference);
    assert.equal(await account(rig, page, second), 'jon');
    await withoutSession();
    const third = authorize(rig);
    seen.length = 0;
    await page.goto(third.url);
    assert.equal(await account(rig, page, third), 'jon');
    assert.ok(seen.includes('303 cert.localhost/'), seen.join('\n'));
  });
});

describe('the wire', () => {
  test('one server certificate for both hosts: the certificate is asked for all the same', { timeout: 120_000 }, async (t) => {
    const shared = await rigUp('--shared-certificate');
    t.after(() => shared.stop());
    for (const launch of [chromium, firefox]) {
      const browser = await launch(shared, { certificates: ['jon'], chooses: 'jon' });
      t.after(() => browser.close());
      const page = await firstPage(browser);
      const other = await application(shared);
      t.after(() => other.stop());
      const asked = authorize(shared);
      // More than one request, so that a connection to the login host is open. Chromium would use it for the
      // certificate host as well, were it HTTP/2 and not told off.
      await page.goto(`${shared.issuer}/signout`);
      await page.goto(asked.url);
      assert.equal(await account(shared, page, asked), 'jon', 'by certificate, not by the form');
      await browser.close();
      await other.stop();
    }
  });

  test('the login host speaks HTTP/2 to browsers', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['jon'], chooses: 'jon' });
    await page.goto(`${rig.issuer}/signout`);
    const protocol = await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
    assert.equal(protocol, 'h2');
    const asked = authorize(rig);
    await page.goto(asked.url);
    assert.equal(await account(rig, page, asked), 'jon');
  });

  test('a code is good once', { timeout: 60_000 }, async (t) => {
    const { page } = await opened(t, { certificates: ['jon'], chooses: 'jon' });
    const asked = authorize(rig);
    await page.goto(asked.url);
    const { code } = await arrived(page, asked);
    const first = await redeem(rig, asked, code);
    assert.equal(first.status, 200);
    const userinfo = () => send(rig, { path: '/userinfo', headers: { authorization: `Bearer ${first.body.access_token}` } });
    assert.equal((await userinfo()).status, 200);
    assert.equal((await redeem(rig, asked, code)).body.error, 'invalid_grant');
    assert.equal((await userinfo()).status, 401, 'and what it brought is taken back');
    assert.equal(bare(page.url()), asked.redirectUri);
  });
});
