// axe-core, in the page as it is shown.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export const THEMES = ['light', 'dark'];
/** A phone held upright, and a desktop. */
export const WIDTHS = [320, 1280];

/** Shows the page in a theme and at a width, at rest: a colour on its way to another is nobody's to judge. */
export async function dressed(page, theme, width, height = 800) {
  await page.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: theme }, { name: 'prefers-reduced-motion', value: 'reduce' },
  ]);
  await page.setViewport({ width, height });
}

/** What is wrong with the page, in words; empty if nothing is. */
export async function faults(page) {
  // Not as a script element: the pages' own policy forbids those.
  await page.evaluate(source);
  const found = await page.evaluate(judge, TAGS);
  const { across, room } = await page.evaluate(() => ({
    across: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
  }));
  if (across > room) found.push(`it is ${across} px wide in ${room} px: it scrolls sideways`);
  return found;
}

/** Runs in the page. */
async function judge(tags) {
  const told = ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} (${failureSummary})`).join('; ')}`;
  const run = (runOnly) => window.axe.run(document, { runOnly, preload: false, resultTypes: ['violations', 'incomplete'] });
  const { violations, incomplete } = await run({ type: 'tag', values: tags });
  const found = violations.map(told);
  if (incomplete.some(({ id }) => id === 'color-contrast')) {
    // It does not judge colours on gradients: so on each end of the page's gradient, as if that were all of it.
    const { backgroundColor, backgroundImage } = getComputedStyle(document.body);
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const ends = backgroundImage.match(/(?:rgba?|hsla?|oklab|oklch|color)\([^()]*\)/g) ?? [];
    for (const end of ends) {
      for (paint.fillStyle of [backgroundColor, end]) paint.fillRect(0, 0, 1, 1);
      document.body.style.background = `rgb(${paint.getImageData(0, 0, 1, 1).data.slice(0, 3).join(' ')})`;
      const again = await run({ type: 'rule', values: ['color-contrast'] });
      // Whatever still cannot be judged is a fault, too: nobody has looked at it.
      found.push(...[...again.violations, ...again.incomplete].map((rule) => `on ${end}: ${told(rule)}`));
    }
    document.body.style.background = '';
    if (ends.length === 0) found.push(...incomplete.filter(({ id }) => id === 'color-contrast').map(told));
  }
  return found;
}

const EVERY_LOOK = THEMES.flatMap((theme) => WIDTHS.map((width) => [theme, width]));

/** Looks at a page in both themes and both widths, or in some of these. */
export async function inspected(page, name, looks = EVERY_LOOK) {
  const found = [];
  for (const [theme, width] of looks) {
    await dressed(page, theme, width);
    for (const fault of await faults(page)) found.push(`${name}, ${theme}, ${width} px: ${fault}`);
  }
  return found;
}
