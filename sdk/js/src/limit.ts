// The end that every sign-in has.
//
// Invariant: when a sign-in is over, however it went, its signal is aborted; whatever it set up goes by that signal.

import { AuthError } from './error.js';

const enum Milliseconds {
  /** The longest that a browser can count: a timer that is set for longer ends at once. */
  Longest = 0x7fffffff,
}

/**
 * Runs `run` at once, in the same click, with a signal that is aborted when the time is up or when `outer` is (the reason
 * is an AuthError then), and at the end in any case.
 */
export const limited = async <T>(
  milliseconds = 300_000,
  outer: AbortSignal | undefined,
  run: (limit: AbortController) => Promise<T>,
): Promise<T> => {
  const limit = new AbortController();
  const abort = (): void => limit.abort(new AuthError('aborted', 'The signal was aborted.'));
  const timer = setTimeout(
    () => limit.abort(new AuthError('timeout', 'Nobody signed in in time.')),
    Math.min(milliseconds, Milliseconds.Longest),
  );
  outer?.addEventListener('abort', abort, { signal: limit.signal });
  if (outer?.aborted) abort();
  try {
    limit.signal.throwIfAborted();
    return await run(limit);
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
};
