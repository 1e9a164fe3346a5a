// The demonstration's sample application, as somebody meets it who has just started it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { inspected } from './axe.mjs';
import { chromium } from './chromium.mjs';
import { firstPage, form, press, ways } from './pages.mjs';
import { demoUp } from './rig.mjs';
import { never, until } from './waiting.mjs';

let demo;
let application;
before(async () => {
  demo = await demoUp();
  application = `https://app.localhost:${demo.port}/`;
}, { timeout: 120_000 });
after(async () => {
  await demo?.stop();
});

async function opened(t, options) {
  const browser = await chromium(demo, options);
  t.after(() => browser.close());
  const page = await firstPage(browser);
  await page.goto(application);
  return page;
}

const person = (page) => until('somebody to be signed in', () => page.$eval('#signed-in', (card) => !card.hidden && card.querySelector('#person').textContent));
const click = async (page, button) => {
  await page.waitForSelector(`${button}:not([disabled])`);
  await page.click(button);
};

describe('the sample application', { concurrency: 2 }, () => {
  for (const way of ['#popup', '#redirect']) {
    test(`signs jon in, by ${way.slice(1)}, and out again`, { timeout: 60_000 }, async (t) => {
      const page = await opened(t, { certificates: ['jon'], chooses: 'jon' });
      await click(page, way);
      assert.equal(await person(page), 'Jon Snow');
      await page.evaluate(() => { window.before = true; });
      await click(page, '#sign-out');
      await until('to be back', () => page.evaluate((back) => !window.before && location.href.startsWith(back), application));
      await page.waitForSelector(`${way}:not([disabled])`);
      assert.equal(await page.$eval('#signed-in', (card) => card.hidden), true);

      const popup = new Promise((resolve) => page.once('popup', resolve));
      await click(page, way);
      const asking = way === '#popup' ? await popup : page;
      await asking.waitForSelector(ways.certificate);
      await never('left the page that waits', async () => !(await asking.$(ways.certificate)), 1500);
      await press(asking, ways.certificate);
      assert.equal(await person(page), 'Jon Snow');
    });
  }

  test('shows the form to somebody without a certificate', { timeout: 60_000 }, async (t) => {
    const page = await opened(t, {});
    const popup = new Promise((resolve) => page.once('popup', resolve));
    await click(page, '#popup');
    await form(await popup);
  });

  test('has nothing that axe finds', { timeout: 60_000 }, async (t) => {
    const page = await opened(t, { certificates: ['jon'], chooses: 'jon' });
    const found = await inspected(page, 'before');
    await click(page, '#popup');
    await person(page);
    found.push(...await inspected(page, 'signed in'));
    assert.deepEqual(found, []);
  });
});
