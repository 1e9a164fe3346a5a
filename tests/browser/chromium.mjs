// Chromium with a home of its own: its certificates, what it chooses by itself, where names lead.

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

import { importCertificate, newStore } from './certificates.mjs';
import { removeFolder, temporaryFolder, watch } from './processes.mjs';

export const CHROMIUM = process.env.POSTERN_CHROMIUM ?? '/usr/bin/chromium';

/** A home folder with a store of certificates; a second browser can be started in it after the first has ended. */
export async function chromiumHome(rig, { certificates = [], chooses } = {}) {
  const home = temporaryFolder('chromium');
  const store = join(home, '.pki/nssdb');
  mkdirSync(store, { recursive: true });
  await newStore(store, rig);
  for (const name of certificates) await importCertificate(store, rig, name);
  const profile = join(home, 'profile/Default');
  mkdirSync(profile, { recursive: true });
  const settings = {};
  if (chooses) {
    // What a managed policy would do (AutoSelectCertificateForUrls), for this profile alone.
    settings.profile = { content_settings: { exceptions: { auto_select_certificate: {
      [`https://[*.]${rig.certificate_host}:${rig.port},*`]: {
        setting: { filters: [{ SUBJECT: { CN: chooses } }] },
      },
    } } } };
  }
  writeFileSync(join(profile, 'Preferences'), JSON.stringify(settings));
  return home;
}

/**
 * Starts Chromium. `certificates` are in its store, `chooses` is the one it takes by itself. With `display` it
 * is seen there. `names` maps host names to ADDRESS:PORT; `through` is the ADDRESS:PORT of a proxy for all of them.
 */
export async function chromium(rig, {
  certificates = [], chooses, home, display, size = [1080, 740], names = {}, through, blocksPopups = false,
  language = 'en', announcesTests = true,
} = {}) {
  const own = home ?? await chromiumHome(rig, { certificates, chooses });
  const mapped = Object.entries(names).map(([name, place]) => `MAP ${name} ${place}`);
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    headless: display === undefined,
    userDataDir: join(own, 'profile'),
    env: { ...process.env, HOME: own, XDG_CONFIG_HOME: join(own, '.config'), XDG_CACHE_HOME: join(own, '.cache'),
      ...(display && { DISPLAY: display.name }) },
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      // It would be the size of popups as well.
      ...(size ? [`--window-size=${size.join(',')}`, '--window-position=0,0'] : []),
      `--lang=${language}`, `--accept-lang=${language}`,
      ...(mapped.length ? [`--host-resolver-rules=${mapped.join(',')}`] : []),
      // Loopback goes past proxies unless told.
      ...(through ? [`--proxy-server=http://${through}`, '--proxy-bypass-list=<-loopback>'] : []),
    ],
    ignoreDefaultArgs: [
      ...(blocksPopups ? ['--disable-popup-blocking'] : []),
      // The bar that says that a test runs.
      ...(announcesTests ? [] : ['--enable-automation']),
    ],
    defaultViewport: null,
    timeout: 60_000,
    protocolTimeout: 200_000,
  });
  watch(browser.process());
  const close = browser.close.bind(browser);
  browser.close = async () => {
    await close();
    if (!home && existsSync(own)) removeFolder(own);
  };
  return browser;
}

/**
 * The window that `page` opens, and where it is on the display. Not its page, which answers nothing while a dialog
 * is open above it.
 */
export async function windowFrom(page) {
  const browser = page.browser();
  const target = await browser.waitForTarget((each) => each.opener() === page.target());
  const session = await browser.target().createCDPSession();
  // puppeteer has no other name for it.
  const { bounds } = await session.send('Browser.getWindowForTarget', { targetId: target._targetId });
  await session.detach();
  return bounds;
}
