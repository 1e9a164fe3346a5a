// Waiting for a condition, never for a time.

import { setTimeout as pause } from 'node:timers/promises';

/** Asks until the answer is truthy, and returns it; fails with `what` when `seconds` are over. */
export async function until(what, ask, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      const described = typeof what === 'function' ? await what() : what;
      throw new Error(`waited ${seconds} s for ${described}`, { cause: last });
    }
    await pause(50);
  }
}

/** Whether the answer stays falsy for so long; the answer that did not is in the error. */
export async function never(what, ask, milliseconds) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    const answer = await ask();
    if (answer) throw new Error(`${what}: ${JSON.stringify(answer)}`);
    await pause(50);
  }
}
