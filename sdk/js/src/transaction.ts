// One sign-in on its way: what is asked, and what the answer is held against.
//
// Invariant: state, nonce and verifier are new each time and belong together.

import { challenge, random } from './pkce.js';
import type { SignInOptions } from './types.js';

/** Who asks whom. */
export interface Application {
  readonly issuer: string;
  readonly clientId: string;
}

/** What has to be known of a sign-in until its answer comes. Redirect mode keeps it as JSON. */
export interface Transaction {
  issuer: string;
  /** What is asked at `/authorize`, in the protocol's words. */
  request: {
    response_type: string;
    response_mode: string;
    client_id: string;
    redirect_uri: string;
    scope: string;
    state: string;
    nonce: string;
    connection: string | undefined;
    login_hint: string | undefined;
    prompt: string | undefined;
    max_age: number | undefined;
    ui_locales: string | undefined;
  };
  verifier: string;
  appState: unknown;
  created: number;
}

/** An answer's parameters, from wherever they came: nothing is known of them yet. */
export type Answer = Record<string, unknown>;

/** A new sign-in whose answer goes to `redirect_uri`. */
export const begin = (
  { issuer, clientId }: Application,
  redirect_uri: string,
  response_mode: string,
  { connection, scope = 'openid', loginHint, prompt, maxAge, uiLocales, appState }: SignInOptions,
): Transaction => ({
  issuer,
  request: {
    response_type: 'code',
    response_mode,
    client_id: clientId,
    redirect_uri,
    scope,
    state: random(),
    nonce: random(),
    connection,
    login_hint: loginHint,
    prompt,
    max_age: maxAge,
    ui_locales: uiLocales,
  },
  verifier: random(),
  appState,
  created: Date.now(),
});

/** Parameters as a form, without those that are not there. */
export const form = (parameters: Record<string, unknown>): URLSearchParams =>
  new URLSearchParams(JSON.parse(JSON.stringify(parameters, (_name, value) => value ?? undefined)));

/** Where the browser goes to sign somebody in. */
export const authorizeUrl = async ({ issuer, request, verifier }: Transaction): Promise<string> =>
  `${issuer}/authorize?${form({
    ...request,
    code_challenge: await challenge(verifier),
    code_challenge_method: 'S256',
  })}`;

/** The answer in this page's address, if there is one. */
export const addressed = (): Answer | null => {
  const answer = Object.fromEntries(new URLSearchParams(location.search));
  return answer['state'] && (answer['code'] || answer['error']) ? answer : null;
};
