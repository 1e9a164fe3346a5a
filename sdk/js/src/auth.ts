// Signing in and out, from a web page.
//
// Invariant: tokens are in memory only; after a reload nobody is known until they sign in again.

import { AuthError } from './error.js';
import { limited } from './limit.js';
import { answerFrom, openPopup } from './popup.js';
import { arrived, keep } from './redirect.js';
import { served } from './served.js';
import { redeemed } from './token.js';
import { authorizeUrl, begin, form } from './transaction.js';
import type { AuthOptions, Profile, SignInOptions, SignInResult, SignOutOptions } from './types.js';

/** Postern, as one application sees it. Make one per page, in the browser. */
export class Auth {
  readonly #options: AuthOptions & { issuer: string };
  #running: AbortController | undefined;
  #returning: Promise<SignInResult | null> | undefined;
  #last: SignInResult | undefined;

  /**
   * @throws {TypeError} when `issuer` or `clientId` is missing or cannot be one.
   * @throws {AuthError} `insecure_context` when the page was not loaded over HTTPS.
   */
  constructor(options: AuthOptions) {
    const { issuer = served.issuer, clientId } = options;
    if (!crypto.subtle) {
      throw new AuthError('insecure_context', 'Load the page over https://.');
    }
    if (!/^https:\/\/[^/?#]+\/?$/.test(issuer)) {
      throw new TypeError(`issuer is "${issuer}". Give an origin like https://login.example.com`);
    }
    if (!clientId) {
      throw new TypeError('clientId is missing. Give your application\'s.');
    }
    this.#options = { ...options, issuer: new URL(issuer).origin };
  }

  /**
   * Signs somebody in: in a popup (call it directly in a click), or by leaving the page. In redirect mode the promise
   * does not end, because the page does: `handleRedirect()` has the result.
   *
   * A popup sign-in that is still running is given up (`aborted`): the newer one counts.
   *
   * @param onLoginSuccess - is called with the result. What it throws is its own: an uncaught error of the page.
   * @param onLoginFailed - is called with the AuthError; the promise then resolves to `undefined`. Mistakes in the call reject it.
   */
  signin(options?: SignInOptions, onLoginSuccess?: (result: SignInResult) => void): Promise<SignInResult>;
  signin(
    options: SignInOptions,
    onLoginSuccess: ((result: SignInResult) => void) | undefined,
    onLoginFailed: (error: AuthError) => void,
  ): Promise<SignInResult | undefined>;
  async signin(
    options: SignInOptions = {},
    onLoginSuccess?: (result: SignInResult) => void,
    onLoginFailed?: (error: AuthError) => void,
  ): Promise<SignInResult | undefined> {
    let result: SignInResult;
    try {
      result = await limited(this.#options.timeoutMs, options.signal, (limit) =>
        options.popup ? this.#popup(options, limit) : this.#redirect(options, limit),
      );
    } catch (error) {
      // A mistake in the call is not told to people.
      if (!onLoginFailed || !(error instanceof AuthError)) throw error;
      queueMicrotask(() => onLoginFailed(error));
      return undefined;
    }
    // Outside of this function: its mistakes are not those of the sign-in.
    if (onLoginSuccess) queueMicrotask(() => onLoginSuccess(result));
    return result;
  }

  /**
   * Ends a redirect sign-in on the page it comes back to. `null` when the page was not opened by an answer of Postern.
   * The answer is taken out of the address bar.
   *
   * @throws {AuthError} why nobody was signed in.
   */
  handleRedirect(): Promise<SignInResult | null> {
    // Effects may run twice at once (React's StrictMode): one answer for both.
    return (this.#returning ??= this.#arrive().finally(() => (this.#returning = undefined)));
  }

  /** Who signed in last on this page, or `null`. In memory only: `null` again after a reload. */
  getUser(): Profile | null {
    return this.#last?.profile ?? null;
  }

  /** Forgets the tokens and goes to Postern to end the session there. */
  signout({ returnTo, state }: SignOutOptions = {}): void {
    const { issuer, clientId } = this.#options;
    const request = form({
      id_token_hint: this.#last?.idToken,
      client_id: clientId,
      post_logout_redirect_uri: returnTo,
      state,
    });
    this.#last = undefined;
    location.assign(`${issuer}/signout?${request}`);
  }

  async #popup(options: SignInOptions, limit: AbortController): Promise<SignInResult> {
    this.#running?.abort(new AuthError('aborted', 'A newer sign-in began.'));
    this.#running = limit;
    const popup = openPopup();
    const { popupCallbackUri } = this.#options;
    const mode = popupCallbackUri ? 'query' : 'web_message';
    const transaction = begin(this.#options, popupCallbackUri ?? location.origin, mode, options);
    const answer = await answerFrom(popup, transaction, limit.signal);
    return (this.#last = await redeemed(transaction, answer, limit.signal));
  }

  async #redirect(options: SignInOptions, { signal }: AbortController): Promise<never> {
    const redirectUri = this.#options.redirectUri ?? location.origin + location.pathname;
    const transaction = begin(this.#options, redirectUri, 'query', options);
    const url = await authorizeUrl(transaction);
    signal.throwIfAborted();
    keep(transaction);
    location.assign(url);
    return new Promise(() => {});
  }

  async #arrive(): Promise<SignInResult | null> {
    const { issuer, timeoutMs } = this.#options;
    const found = arrived(issuer);
    return found && (this.#last = await limited(timeoutMs, undefined, ({ signal }) => redeemed(...found, signal)));
  }
}
