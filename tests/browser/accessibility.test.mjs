// WCAG 2.2 AA as far as a program can tell: axe over every page in both themes, both languages, narrow and
// wide; and the keyboard alone.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { application } from './application.mjs';
import { inspected } from './axe.mjs';
import { chromium } from './chromium.mjs';
import { account, authorize } from './flow.mjs';
import { firstPage, form, press, reason, signInByPassword, ways } from './pages.mjs';
import { rigUp } from './rig.mjs';
import { until } from './waiting.mjs';

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

const gallery = process.env.POSTERN_PAGES;

/** Every page in both themes and both widths; what one language leaves out, the other has. */
const LOOKS = {
  en: [['light', 320], ['dark', 1280]],
  de: [['dark', 320], ['light', 1280]],
};

/** Serves the files of a folder, and nothing else. */
async function served(t, folder) {
  const kinds = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    try {
      const content = readFileSync(join(folder, pathname));
      response.writeHead(200, { 'content-type': kinds[pathname.split('.').at(-1)] ?? 'text/plain' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections?.(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}

describe('axe finds nothing', { concurrency: 3 }, () => {
  // Each page of the gallery is the gateway's own answer to some request. In parts, to look at several at once.
  for (const part of [0, 1]) {
    test(`in the gallery, part ${part + 1}`, { timeout: 240_000, skip: gallery ? false : 'POSTERN_PAGES names no folder of pages' }, async (t) => {
      const site = await served(t, gallery);
      const browser = await chromium(rig);
      t.after(() => browser.close());
      const page = await firstPage(browser);
      const names = readdirSync(gallery).filter((name) => name.endsWith('.html'));
      assert.ok(names.length > 80, `${names.length} pages`);
      const found = [];
      for (const name of names.filter((_, index) => index % 2 === part)) {
        await page.goto(`${site}/${name}`);
        const language = name.split('.').at(-2);
        assert.equal(await page.$eval('html', (html) => html.lang), language);
        found.push(...await inspected(page, name, LOOKS[language]));
      }
      assert.deepEqual(found, []);
    });
  }

  for (const language of ['en', 'de']) {
    test(`on the way through a sign-in, ${language}`, { timeout: 120_000 }, async (t) => {
      const browser = await chromium(rig, { certificates: ['eve'], chooses: 'eve' });
      t.after(() => browser.close());
      const page = await firstPage(browser);
      const found = [];
      const look = async (name) => {
        assert.equal(await page.$eval('html', (html) => html.lang), language, name);
        found.push(...await inspected(page, name));
      };
      const begin = (parameters) => page.goto(authorize(rig, { prompt: 'login', ui_locales: language, ...parameters }).url);

      await begin({ connection: null });
      await look('connections');
      await begin({});
      await look('choose');
      await press(page, ways.password);
      await form(page);
      await look('password in range');
      await begin({});
      await press(page, ways.certificate);
      await reason(page, 'disabled');
      await look('reason');
      await begin({ connection: 'ContosoAD' });
      await signInByPassword(page, rig, 'jane', 'not hers');
      await reason(page, 'wrong_credentials');
      await look('password with alert');
      await page.goto(`${rig.issuer}/signout?ui_locales=${language}`);
      await look('sign-out');
      await page.goto(`${rig.issuer}/authorize?client_id=nobody&ui_locales=${language}`);
      await look('unknown application');
      assert.deepEqual(found, []);
    });
  }
});

describe('the keyboard alone', { concurrency: 2 }, () => {
  /** What has the focus, and whether that can be seen. */
  const focused = (page) => page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const isMarked = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none';
    const { top, bottom } = element.getBoundingClientRect();
    return { name: element.id || element.getAttribute('href') || element.type || element.tagName, isMarked, isInView: top >= 0 && bottom <= innerHeight };
  });

  test('fills in the form and signs in', { timeout: 60_000 }, async (t) => {
    const browser = await chromium(rig, {});
    t.after(() => browser.close());
    const page = await firstPage(browser);
    await page.setViewport({ width: 600, height: 720 });
    const asked = authorize(rig, { connection: 'ContosoAD' });
    await page.goto(asked.url);
    await form(page);
    await until('the first field to have the focus', async () => (await focused(page)).name === 'user_name');
    const way = [];
    const step = async (...keys) => {
      way.push(await focused(page));
      for (const key of keys) await page.keyboard.press(key);
    };
    await page.keyboard.type('jon');
    await step('Tab');
    await page.keyboard.type('wrong');
    await step('Enter');
    await reason(page, 'wrong_credentials');
    // The name stays; the password is to be typed again, and has the focus.
    await until('the password to have the focus', async () => (await focused(page)).name === 'password');
    assert.equal(await page.$eval('#password', (input) => input.getAttribute('aria-invalid')), 'true');
    await page.keyboard.type(rig.passwords.jon);
    await step('Tab');
    await step('Enter');
    assert.equal(await account(rig, page, asked), 'jon');
    assert.deepEqual(way.map(({ name }) => name), ['user_name', 'password', 'password', 'submit']);
    assert.ok(way.every(({ isMarked, isInView }) => isMarked && isInView), JSON.stringify(way));
  });

  test('goes every way of the page that asks for a certificate', { timeout: 60_000 }, async (t) => {
    const browser = await chromium(rig, { certificates: ['jon'], chooses: 'jon' });
    t.after(() => browser.close());
    const page = await firstPage(browser);
    await page.setViewport({ width: 600, height: 720 });
    const asked = authorize(rig, { prompt: 'login' });
    await page.goto(asked.url);
    const all = await page.$$eval('a[href]', (links) => links.map((each) => each.getAttribute('href')));
    assert.ok(all.length >= 3, all.join(' '));
    const way = [];
    for (let index = 0; index < all.length; index += 1) {
      await page.keyboard.press('Tab');
      way.push(await focused(page));
    }
    assert.deepEqual(way.map(({ name }) => name), all);
    assert.ok(way.every(({ isMarked, isInView }) => isMarked && isInView), JSON.stringify(way.map(({ isMarked, isInView }) => [isMarked, isInView])));
    const target = await page.$eval(ways.certificate, (link) => link.getAttribute('href'));
    while ((await focused(page)).name !== target) {
      await page.keyboard.down('Shift');
      await page.keyboard.press('Tab');
      await page.keyboard.up('Shift');
    }
    await page.keyboard.press('Enter');
    assert.equal(await account(rig, page, asked), 'jon');
  });
});
