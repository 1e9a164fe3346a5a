// Postern's pages, found by what they are for and not by their words, which differ between languages.

import { bare, textOf } from './flow.mjs';
import { until } from './waiting.mjs';

/** What there is to press. */
export const ways = {
  certificate: 'a[href*="//cert.localhost"]',
  another: 'a[href*=".cert.localhost"]',
  password: 'a[href*="/password?"]',
  submit: 'form[action="/password"] button[type="submit"]',
  prefer: 'input[type="checkbox"][name="prefer"]',
  forgetPreference: 'form[action="/preference"] button',
  cancel: 'a[href*="/cancel?"]',
  signOut: 'form[action="/signout"] button[type="submit"]',
};

/** Waits until the page names this reason code. */
export async function reason(page, code, seconds) {
  await until(async () => `the reason ${code} at ${bare(page.url())}: ${await textOf(page)}`,
    () => page.$$eval('code', (codes, wanted) => codes.some((each) => each.textContent.trim() === wanted), code), seconds);
}

/** Waits for the password form. */
export async function form(page, seconds) {
  await until(async () => `the form at ${bare(page.url())}: ${await textOf(page)}`, () => page.$('#password'), seconds);
}

/** Presses what leads on, as soon as it is there; what comes then is the caller's to wait for. */
export async function press(page, way) {
  const found = await until(async () => `${way} at ${bare(page.url())}: ${await textOf(page)}`, () => page.$(way));
  await found.click();
}

/** Fills in the form and sends it. */
export async function signInByPassword(page, rig, name, password = rig.passwords[name]) {
  await form(page);
  await page.$eval('#user_name', (input) => { input.value = ''; });
  await page.type('#user_name', name);
  await page.type('#password', password);
  await press(page, ways.submit);
}

/** The names of the hosts that the page's own documents came from, and their statuses, from now on. */
export function documents(page) {
  const seen = [];
  page.on('response', (response) => {
    const request = response.request();
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) {
      const url = new URL(response.url());
      seen.push(`${response.status()} ${url.hostname}${url.pathname}`);
    }
  });
  return seen;
}

/** The page of a browser that has just started. */
export async function firstPage(browser) {
  const [page] = await browser.pages();
  return page ?? browser.newPage();
}
