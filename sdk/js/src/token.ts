// From an answer to tokens.
//
// Invariant: a code is taken only from an answer with this sign-in's state and its issuer's name (RFC 9207), and goes to
// that issuer only, with nothing but its verifier beside it: no cookies, no redirects.

import { AuthError, refusal } from './error.js';
import { profileOf } from './id-token.js';
import { type Answer, form, type Transaction } from './transaction.js';
import type { SignInResult } from './types.js';

/** Who is signed in, by this answer to this transaction. */
export const redeemed = async (
  transaction: Transaction | undefined,
  answer: Answer,
  signal: AbortSignal,
): Promise<SignInResult> => {
  if (!transaction || answer['state'] !== transaction.request.state || answer['iss'] !== transaction.issuer) {
    throw new AuthError('state_mismatch', 'The answer is not for a sign-in of this page.');
  }
  if (!answer['code']) throw refusal(answer, answer['request_id']);
  const { client_id, redirect_uri } = transaction.request;
  const url = `${transaction.issuer}/token`;
  let response: Response;
  let requestId: string | undefined;
  let body: Record<string, unknown>;
  try {
    response = await fetch(url, {
      method: 'POST',
      body: form({
        grant_type: 'authorization_code',
        code: answer['code'],
        client_id,
        redirect_uri,
        code_verifier: transaction.verifier,
      }),
      credentials: 'omit',
      redirect: 'error',
      referrerPolicy: 'no-referrer',
      signal,
    });
    requestId = response.headers.get('x-request-id') ?? undefined;
    body = { ...(await response.json()) };
  } catch (error) {
    throw signal.aborted
      ? signal.reason
      : new AuthError('network', `${url}: ${error}. Is ${location.origin} registered?`, requestId);
  }
  if (!response.ok) throw refusal(body, requestId);
  const { id_token, access_token, expires_in, scope } = body;
  return {
    profile: profileOf(id_token, transaction, requestId),
    idToken: id_token as string,
    accessToken: access_token as string,
    expiresAt: Date.now() + (expires_in as number) * 1000,
    scope: scope as string,
    appState: transaction.appState,
  };
};
