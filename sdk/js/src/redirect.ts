// Sign-ins that leave the page: kept in this tab until the browser comes back.
//
// Invariant: a transaction is used at most once and within ten minutes.

import { AuthError } from './error.js';
import { addressed, type Answer, type Transaction } from './transaction.js';

const PREFIX = 'postern:';

const enum Milliseconds {
  Life = 600_000,
}

/** What is kept under `key`, if it can still be used; what is too old goes. */
const kept = (key: string): Transaction | undefined => {
  try {
    const transaction = JSON.parse(sessionStorage.getItem(key) ?? '') as Transaction;
    if (Date.now() - transaction.created < Milliseconds.Life) return transaction;
    sessionStorage.removeItem(key);
  } catch {
    // Nothing that can be read is kept there.
  }
  return undefined;
};

/**
 * Keeps a transaction for the way back, and throws those away that nobody came back for.
 *
 * @throws {TypeError} when JSON cannot hold its `appState`.
 */
export const keep = (transaction: Transaction): void => {
  const text = JSON.stringify(transaction);
  try {
    for (const key in sessionStorage) {
      if (key.startsWith(PREFIX) && !kept(key)) sessionStorage.removeItem(key);
    }
    sessionStorage.setItem(PREFIX + transaction.request.state, text);
  } catch (error) {
    throw new AuthError('insecure_context', `sessionStorage: ${error}`);
  }
};

/**
 * The answer of `issuer` that this page was opened with, and the transaction it belongs to; `null` where there is none.
 * Both can be had once: the address and the storage are cleared.
 */
export const arrived = (issuer: string): [Transaction | undefined, Answer] | null => {
  const answer = addressed();
  const key = PREFIX + answer?.['state'];
  const transaction = kept(key);
  // Another provider's, which this page may have as well, is left alone.
  if (!answer || (!transaction && answer['iss'] !== issuer)) return null;
  history.replaceState(null, '', transaction?.request.redirect_uri ?? '?');
  if (transaction) sessionStorage.removeItem(key);
  return [transaction, answer];
};
