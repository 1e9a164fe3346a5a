// The browsers' own dialogs, on a display, answered by the keyboard. Nobody hurries: two of the people here
// take a minute and a half to choose, while the others go on.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { application } from './application.mjs';
import { chromium } from './chromium.mjs';
import { display } from './display.mjs';
import { firefox } from './firefox.mjs';
import { account, authorize } from './flow.mjs';
import { firstPage, form, press, reason, signInByPassword, ways } from './pages.mjs';
import { proxy } from './relay.mjs';
import { rigUp } from './rig.mjs';
import { never, until } from './waiting.mjs';

const browsers = { Chromium: chromium, Firefox: firefox };
const SLOW = 90_000;

let rig;
let app;
before(async () => {
  rig = await rigUp();
  app = await application(rig);
}, { timeout: 120_000 });
after(async () => {
  await app?.stop();
  await rig?.stop();
});

/** A browser on a display of its own, and its page. */
async function seen(t, launch, options) {
  const screen = await display();
  t.after(() => screen.stop());
  const browser = await launch(rig, { display: screen, ...options });
  t.after(() => browser.close());
  return { browser, page: await firstPage(browser), screen };
}

/** Signs in with what the chooser has at this place, whether or not anything is remembered; where that ends. */
async function choosing(page, screen, keys) {
  const asked = authorize(rig, { prompt: 'login' });
  await page.goto(asked.url);
  await press(page, ways.another);
  await screen.dialog();
  await screen.answer(...keys);
  const refused = await until('the choice to have led anywhere', async () => {
    if (page.url().startsWith(asked.redirectUri)) return 'arrived';
    return (await page.$('[role="alert"]')) && 'refused';
  });
  return { asked, refused: refused === 'refused' };
}

const FIRST = ['Return'];
const SECOND = ['Down', 'Return'];

// In a certain order: the slow ones are under way while the others come and go.
describe('the chooser', { concurrency: 4 }, () => {
  for (const [name, launch, options] of [
    ['Chromium', chromium, {}],
    // By default, Firefox itself gives up after a minute: see below.
    ['Firefox', firefox, { preferences: { 'network.http.tls-handshake-timeout': 300 } }],
  ]) {
    test(`${name}: somebody who takes a minute and a half is signed in`, { timeout: 240_000 }, async (t) => {
      const { page, screen } = await seen(t, launch, { certificates: ['jon', 'jane'], ...options });
      const asked = authorize(rig);
      await page.goto(asked.url);
      await screen.dialog();
      await never('the dialog went away', () => !screen.isDim(), SLOW);
      await screen.answer(...FIRST);
      assert.match(await account(rig, page, asked), /^jon$|^jane$/);
    });
  }

  test('Firefox: when nobody answers the chooser, there is a way back', { timeout: 300_000 }, async (t) => {
    const { page, screen } = await seen(t, firefox, { certificates: ['jon'] });
    const asked = authorize(rig);
    await page.goto(asked.url);
    await screen.dialog();
    // By default Firefox ends the handshake itself after a minute; not always, and then its person gives up when the
    // gateway has, after two.
    await until('Firefox to give up', () => !screen.isDim(), 125).catch(() => screen.answer('Escape'));
    // "Try Again": it remembers to have sent none, so the form says so, and offers to be asked anew.
    await page.reload();
    await reason(page, 'no_certificate');
    await press(page, ways.another);
    await screen.dialog();
    await screen.answer(...FIRST);
    assert.equal(await account(rig, page, asked), 'jon');
  });

  for (const [name, launch] of Object.entries(browsers)) {
    test(`${name}: any of two certificates can be chosen by the keyboard`, { timeout: 120_000 }, async (t) => {
      const { page, screen } = await seen(t, launch, { certificates: ['jon', 'jane'] });
      const people = [];
      for (const keys of [FIRST, SECOND]) {
        const { asked } = await choosing(page, screen, keys);
        people.push(await account(rig, page, asked));
      }
      assert.deepEqual(people.sort(), ['jane', 'jon']);
    });

    test(`${name}: cancelled, there is the form, and a way to be asked again`, { timeout: 120_000 }, async (t) => {
      const { page, screen } = await seen(t, launch, { certificates: ['jon'] });
      const asked = authorize(rig);
      await page.goto(asked.url);
      await screen.dialog();
      await screen.answer('Escape');
      await form(page);
      await reason(page, 'no_certificate');
      // The browser remembers the no for this host: the way back is another name.
      await press(page, ways.another);
      await screen.dialog();
      await screen.answer(...FIRST);
      assert.equal(await account(rig, page, asked), 'jon');
    });

    test(`${name}: after the wrong certificate the right one can be chosen`, { timeout: 120_000 }, async (t) => {
      const { page, screen } = await seen(t, launch, { certificates: ['eve', 'jon'] });
      // Which of them comes first is the browser's affair.
      let wrong = await choosing(page, screen, FIRST);
      const right = wrong.refused ? SECOND : FIRST;
      if (!wrong.refused) wrong = await choosing(page, screen, SECOND);
      await reason(page, 'disabled');
      await press(page, ways.another);
      await screen.dialog();
      await screen.answer(...right);
      assert.equal(await account(rig, page, wrong.asked), 'jon');
    });

    test(`${name}: out of range there is no dialog, though there is a certificate`, { timeout: 120_000 }, async (t) => {
      const from = await proxy();
      t.after(() => from.stop());
      const { page, screen } = await seen(t, launch, { certificates: ['jon'], through: from.place });
      const asked = authorize(rig);
      await page.goto(asked.url);
      await form(page);
      // The certificate host itself asks for none there.
      const transaction = await page.$eval('input[name="tx"]', (input) => input.value);
      await page.goto(`${rig.certificateOrigin()}/?tx=${transaction}`);
      await reason(page, 'address_not_in_range');
      assert.equal(screen.isDim(), false);
      await page.goto(asked.url);
      await signInByPassword(page, rig, 'jon');
      assert.equal(await account(rig, page, asked), 'jon');
    });
  }
});

test('what browsers do while somebody chooses is no trouble in the log', () => {
  // Chromium breaks off its first connection whenever it asks, and opens another one after the choice.
  const troubles = rig.log().filter(({ level }) => level === 'WARN' || level === 'ERROR');
  assert.deepEqual(troubles, []);
});
