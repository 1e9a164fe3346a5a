// A display of one's own (Xvfb), its keyboard and its pictures.

import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { removeFolder, run, start, temporaryFolder } from './processes.mjs';
import { until } from './waiting.mjs';

/** Below this a point of a light page is dimmed, as browsers do behind a dialog. */
const DIMMED = 170;
/** Above this line browsers have their tabs, where something turns while a page loads. */
const TABS = 90;

/** Starts a display that nobody else has. */
export async function display(width = 1100, height = 760) {
  const folder = temporaryFolder('display');
  // Xvfb looks for a free number itself, and writes it to the descriptor.
  const server = start('Xvfb', ['-displayfd', '1', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-fbdir', folder],
    { stdio: ['ignore', 'pipe', 'ignore'] });
  const number = await until('Xvfb to be up', () => /^\d+$/m.exec(server.said())?.[0]);
  const name = `:${number}`;
  const env = { ...process.env, DISPLAY: name };
  let [left, right, bottom] = [0, width, height];
  const isDim = () => {
    const points = [[left + 24, bottom - 120], [right - 60, bottom - 120], [left + 24, bottom - 60]];
    return points.every((point) => brightness(join(folder, 'Xvfb_screen0'), ...point) < DIMMED);
  };
  // Dialogs come by and by.
  const still = async () => {
    let [seen, since] = ['', 0];
    await until('the display to be still', () => {
      const now = below(join(folder, 'Xvfb_screen0'), TABS);
      if (now !== seen) [seen, since] = [now, Date.now()];
      return Date.now() - since > 500;
    });
  };
  const press = (...keys) => run('xdotool', ['key', '--delay', '150', ...keys], { env });
  return {
    name,
    isDim,
    /** Looks at this window instead of the whole display. */
    lookAt(x, y, across, down) {
      [left, right, bottom] = [x, x + across, y + down];
    },
    /** Waits for the browser's dialog: the page behind it is dimmed then, and nothing moves any more. */
    async dialog(seconds = 30) {
      await until('the browser to ask for a certificate', isDim, seconds);
      await still();
    },
    /**
     * Answers the dialog by the keyboard. The last key is pressed again while the dialog stays, for browsers ignore
     * keys at first; but late, for after the dialog it would go to the page.
     */
    async answer(...keys) {
      await press(...keys);
      const pressed = Date.now();
      let again = pressed;
      await until('the dialog to be gone', async () => {
        if (isDim() && Date.now() - again > 8000) {
          again = Date.now();
          await press(keys.at(-1));
        }
        return !isDim();
      }, 40);
    },
    press,
    /** Writes a picture of the whole display, or of this part of it: left, top, width, height. */
    async picture(file, part = [0, 0, width, height]) {
      await run('scrot', ['--overwrite', '--silent', '--autoselect', part.join(','), file], { env });
    },
    async stop() {
      await server.stop();
      removeFolder(folder);
    },
  };
}

/** A digest of Xvfb's screen below this line. */
function below(file, line) {
  const screen = readFileSync(file);
  const [size, perLine, colours] = [0, 12, 19].map((index) => screen.readUInt32BE(index * 4));
  return createHash('sha256').update(screen.subarray(size + colours * 12 + line * perLine)).digest('hex');
}

/** The brightness (0 to 255) of one point of Xvfb's screen, a file in XWD format. */
function brightness(file, x, y) {
  const screen = openSync(file, 'r');
  try {
    const header = Buffer.alloc(100);
    readSync(screen, header, 0, 100, 0);
    const [size, perLine, colours] = [0, 12, 19].map((index) => header.readUInt32BE(index * 4));
    const pixel = Buffer.alloc(4);
    readSync(screen, pixel, 0, 4, size + colours * 12 + y * perLine + x * 4);
    return (pixel[0] + pixel[1] + pixel[2]) / 3;
  } finally {
    closeSync(screen);
  }
}
