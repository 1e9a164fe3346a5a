// Firefox with a profile of its own; the profile is the store of certificates, too.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

import { importCertificate, newStore } from './certificates.mjs';
import { removeFolder, temporaryFolder, watch } from './processes.mjs';

export const FIREFOX = process.env.POSTERN_FIREFOX ?? '/usr/bin/firefox-esr';

/**
 * Starts Firefox. With `chooses` it takes a fitting certificate by itself; with `display` it is seen there.
 * `through` is the ADDRESS:PORT of a proxy.
 */
export async function firefox(rig, {
  certificates = [], chooses = false, display, size = [1080, 740], through, preferences = {},
} = {}) {
  const home = temporaryFolder('firefox');
  const profile = join(home, 'profile');
  mkdirSync(profile);
  await newStore(profile, rig);
  for (const name of certificates) await importCertificate(profile, rig, name);
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: display === undefined,
    userDataDir: profile,
    env: { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, '.cache'),
      ...(display && { DISPLAY: display.name, MOZ_ENABLE_WAYLAND: '0' }) },
    args: [`--width=${size[0]}`, `--height=${size[1]}`],
    extraPrefsFirefox: {
      'security.default_personal_cert': chooses ? 'Select Automatically' : 'Ask Every Time',
      'dom.disable_open_during_load': false,
      // Dialogs take keys at once, and what shows that a page loads does not move.
      'security.dialog_enable_delay': 0,
      'ui.prefersReducedMotion': 1,
      'network.dns.localDomains': '',
      'browser.shell.checkDefaultBrowser': false,
      'datareporting.policy.dataSubmissionEnabled': false,
      'browser.aboutwelcome.enabled': false,
      'intl.accept_languages': 'en',
      ...(through && {
        'network.proxy.type': 1,
        'network.proxy.ssl': through.split(':')[0],
        'network.proxy.ssl_port': Number(through.split(':')[1]),
        'network.proxy.allow_hijacking_localhost': true,
      }),
      ...preferences,
    },
    defaultViewport: null,
    timeout: 90_000,
    protocolTimeout: 200_000,
  });
  watch(browser.process());
  const close = browser.close.bind(browser);
  browser.close = async () => {
    await close();
    removeFolder(home);
  };
  return browser;
}
