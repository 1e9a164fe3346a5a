// The examples of the documentation, run as they are: only the names in them are replaced by the rig's.

import assert from 'node:assert/strict';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { application } from './application.mjs';
import { chromium } from './chromium.mjs';
import { firstPage, form, signInByPassword } from './pages.mjs';
import { run, start, temporaryFolder } from './processes.mjs';
import { rigUp } from './rig.mjs';
import { until } from './waiting.mjs';

const examples = join(dirname(fileURLToPath(import.meta.url)), '../../sdk/js/examples');

let rig;
let site;
before(async () => {
  rig = await rigUp();
  const script = (body) => ({ body, headers: { 'content-type': 'text/javascript; charset=utf-8' } });
  site = await application(rig, {
    '/plain/': named(example('plain/index.html')),
    '/plain/application.js': script(named(example('plain/application.js')).replace("clientId: 'app'", `clientId: '${rig.page.client_id}'`)),
    '/react/': named(example('react/index.html')),
    '/react/dist/main.js': script(await bundled()),
  });
}, { timeout: 240_000 });
after(async () => {
  await site?.stop();
  await rig?.stop();
});

const example = (file) => readFileSync(join(examples, file), 'utf8');

/** With the rig's issuer instead of the example's. */
function named(text) {
  assert.ok(text.includes('https://login.example.com') || text.includes("'app'"), 'there is nothing to replace');
  return text.replaceAll('https://login.example.com', rig.issuer);
}

/** The React example, built by its own script in a copy. */
async function bundled() {
  const from = join(examples, 'react');
  await run('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: from });
  const copy = join(temporaryFolder('react'), 'react');
  for (const part of ['src', 'package.json']) cpSync(join(from, part), join(copy, part), { recursive: true });
  symlinkSync(join(from, 'node_modules'), join(copy, 'node_modules'));
  const configuration = join(copy, 'src/configuration.ts');
  writeFileSync(configuration, named(readFileSync(configuration, 'utf8')).replace("'app'", `'${rig.page.client_id}'`));
  await run('npm', ['run', '--silent', 'build'], { cwd: copy });
  return readFileSync(join(copy, 'dist/main.js'), 'utf8');
}

async function opened(t, address, options = { certificates: ['jon'], chooses: 'jon' }) {
  const browser = await chromium(rig, options);
  t.after(() => browser.close());
  const page = await firstPage(browser);
  page.on('pageerror', (error) => assert.fail(error));
  await page.goto(address);
  return page;
}

/** What the page tells people: its status, if it has one. */
const told = (page) => page.evaluate(() => (document.querySelector('[role=status]') ?? document.body).textContent);

const says = (page, words) => until(`the page to say ${words}`, async () => (await told(page)).includes(words));

/** Clicks on "Sign in", and returns the popup. */
async function popupOf(page) {
  const popup = new Promise((resolve) => page.once('popup', resolve));
  await page.click('::-p-text(Sign in)');
  return popup;
}

describe('the examples', { concurrency: 2 }, () => {
  for (const name of ['plain', 'react']) {
    test(`${name}: somebody signs in and out`, { timeout: 60_000 }, async (t) => {
      const page = await opened(t, `${site.origin}/${name}/`);
      await says(page, 'Nobody is signed in.');
      await page.click('::-p-text(Sign in)');
      await says(page, 'Welcome Jon Snow.');
      await page.click('::-p-text(Sign out)');
      await until('to be back after signing out', () => page.url() === `${site.origin}/`);
    });

    test(`${name}: somebody closes the window`, { timeout: 60_000 }, async (t) => {
      const page = await opened(t, `${site.origin}/${name}/`, {});
      const popup = await popupOf(page);
      await form(popup);
      await popup.close();
      await says(page, 'You were not signed in.');
    });

    test(`${name}: somebody clicks twice`, { timeout: 60_000 }, async (t) => {
      const page = await opened(t, `${site.origin}/${name}/`, {});
      const first = await popupOf(page);
      await form(first);
      const second = await popupOf(page);
      await until('the first window to be closed', () => first.isClosed());
      await form(second);
      assert.doesNotMatch(await told(page), /did not work|not signed in/, 'the first ended, and the second goes on');
      await signInByPassword(second, rig, 'jon');
      await says(page, 'Welcome Jon Snow.');
    });
  }

  test('server: somebody signs in, comes back and signs out', { timeout: 120_000 }, async (t) => {
    const folder = join(examples, 'server');
    await run('npm', ['ci', '--silent', '--no-audit', '--no-fund'], { cwd: folder });
    // Browsers find *.localhost by themselves, Node does not.
    const names = join(temporaryFolder('names'), 'names.cjs');
    writeFileSync(names, `const dns = require('node:dns');
const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest);
`);
    const { origin, client_id: clientId, secret_file: secretFile } = rig.server;
    const server = start('node', ['--require', names, 'server.mjs'], {
      cwd: folder,
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: rig.server_root,
        ISSUER: rig.issuer,
        CLIENT_ID: clientId,
        CLIENT_SECRET: readFileSync(secretFile, 'utf8'),
        BASE_URL: origin,
        PORT: new URL(origin).port,
      },
    });
    t.after(() => server.stop());
    await until(() => `the server to listen: ${server.said()}`, () => server.said().includes('at port'));
    const page = await opened(t, `${origin}/`);
    await says(page, 'Nobody is signed in.');
    await page.click('::-p-text(Sign in)');
    await says(page, 'Welcome Jon Snow. You signed in with a certificate.');
    await page.reload();
    await says(page, 'Welcome Jon Snow.');
    await page.click('::-p-text(Sign out)');
    await says(page, 'Nobody is signed in.');
  });
});
