// Pictures of every page, in both themes, and of the browser's own dialog. With POSTERN_WRITE_DOCS=1 they go to
// docs/images; else they are only made, so that what the documentation shows is known to be there.

import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { application } from './application.mjs';
import { THEMES, dressed } from './axe.mjs';
import { chromium, windowFrom } from './chromium.mjs';
import { display } from './display.mjs';
import { authorize } from './flow.mjs';
import { firstPage, form, press, reason, signInByPassword, ways } from './pages.mjs';
import { run, temporaryFolder } from './processes.mjs';
import { demoUp, rigUp } from './rig.mjs';
import { until } from './waiting.mjs';

/** Pictures are for a README: none may be larger, in bytes. */
const LARGEST = 60_000;

const folder = process.env.POSTERN_WRITE_DOCS === '1'
  ? join(dirname(fileURLToPath(import.meta.url)), '../../docs/images')
  : temporaryFolder('pictures');

let rig;
let app;
before(async () => {
  mkdirSync(folder, { recursive: true });
  rig = await rigUp();
  app = await application(rig);
}, { timeout: 120_000 });
after(async () => {
  await app?.stop();
  await rig?.stop();
});

/** Takes the page in both themes, as a popup shows it: 600 by 720, and all of it where it is higher. */
async function taken(page, name, width = 600, fullPage = true) {
  for (const theme of THEMES) {
    await dressed(page, theme, width, 720);
    const file = join(folder, `${name}.${theme}.png`);
    await page.screenshot({ path: file, fullPage });
    await finished(file);
  }
}

/** With as many colours as it needs, and no more. */
async function finished(file) {
  await run('pngquant', ['--force', '--strip', '--speed', '1', '--quality', '0-90', '--output', file, file]);
  const { size } = statSync(file);
  assert.ok(size > 1000 && size < LARGEST, `${file}: ${size} bytes`);
}

for (const language of ['en', 'de']) {
  test(`every page, ${language}`, { timeout: 120_000 }, async (t) => {
    // The names of the pictures: `choose.light.png`, `choose.de.light.png`.
    const name = (page) => (language === 'en' ? page : `${page}.${language}`);
    const browser = await chromium(rig, { certificates: ['eve'], chooses: 'eve' });
    t.after(() => browser.close());
    const page = await firstPage(browser);
    const begin = (parameters) => page.goto(authorize(rig, { prompt: 'login', ui_locales: language, ...parameters }).url);

    await begin({ connection: null });
    await taken(page, name('connections'));
    await begin({});
    await taken(page, name('choose-waits'));
    await press(page, ways.certificate);
    await reason(page, 'disabled');
    await taken(page, name('reason'));
    await begin({ connection: 'ContosoAD' });
    await form(page);
    await taken(page, name('password'));
    await signInByPassword(page, rig, 'jane', 'not hers');
    await reason(page, 'wrong_credentials');
    await taken(page, name('password-alert'));
    await page.goto(`${rig.issuer}/signout?ui_locales=${language}`);
    await taken(page, name('sign-out'));
    await press(page, ways.signOut);
    await until('the end', async () => !(await page.$(ways.signOut)));
    await taken(page, name('signed-out'));
    // The page that goes on by itself, held at that: its next step leads nowhere.
    await page.deleteCookie({ name: '__Host-signed-out', url: rig.issuer });
    await page.setRequestInterception(true);
    page.on('request', (request) => {
      if (new URL(request.url()).hostname === 'cert.localhost') request.respond({ status: 204 });
      else request.continue();
    });
    await page.goto(authorize(rig, { ui_locales: language }).url);
    await taken(page, name('choose'));
  });
}

test('the browser\'s own dialog above the page', { timeout: 90_000 }, async (t) => {
  const screen = await display(1100, 900);
  t.after(() => screen.stop());
  const browser = await chromium(rig, {
    display: screen, size: null, certificates: ['jon', 'jane'], announcesTests: false,
  });
  t.after(() => browser.close());
  const page = await firstPage(browser);
  await page.goto(`${app.origin}/?way=snippet`);
  await page.click('#sign-in');
  const { left, top, width, height } = await windowFrom(page);
  screen.lookAt(left, top, width, height);
  await screen.dialog();
  const file = join(folder, 'chooser.png');
  await screen.picture(file, [left, top, width, height]);
  await finished(file);
  await screen.answer('Return');
});

test('the sample application', { timeout: 120_000 }, async (t) => {
  const demo = await demoUp();
  t.after(() => demo.stop());
  const browser = await chromium(demo, { certificates: ['jon'], chooses: 'jon' });
  t.after(() => browser.close());
  const page = await firstPage(browser);
  await page.goto(`https://app.localhost:${demo.port}/`);
  await page.waitForSelector('#popup:not([disabled])');
  await taken(page, 'application', 800, false);
});
