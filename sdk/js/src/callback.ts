// The page that a popup comes back to, where the application's COOP cuts the windows apart.
//
// Invariant: only pages of the same origin hear the answer, and of them only one that knows the state.

import { addressed } from './transaction.js';

/**
 * Where the answer to the sign-in with this state is said.
 * @internal
 */
export const channelFor = (state: unknown): BroadcastChannel => new BroadcastChannel(`postern:${state}`);

/**
 * To be called by the page at `popupCallbackUri`: hands the answer to the page that opened the popup and closes the
 * window. Does nothing on a page that was not opened with an answer.
 */
export function popupCallback(): void {
  const answer = addressed();
  if (!answer) return;
  channelFor(answer['state']).postMessage(answer);
  // A moment later: what is said last by a window that closes may not be heard.
  setTimeout(() => close(), 50);
}
