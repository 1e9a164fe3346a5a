/*! @postern/sdk 0.1.0 | Apache-2.0 */

/**
 * Why a sign-in ended: one of the SDK's own codes, or the provider's (`access_denied`, `login_required`,
 * `temporarily_unavailable`, ...). The README says what each means and what to do.
 */
export type AuthErrorCode = 'popup_blocked' | 'popup_closed' | 'popup_severed' | 'timeout' | 'aborted' | 'network' | 'insecure_context' | 'state_mismatch' | 'invalid_token' | 'access_denied' | 'login_required' | 'temporarily_unavailable' | (string & {});
/** A sign-in that ended without anybody signed in. `message` is for the developer, `code` for the program. */
export declare class AuthError extends Error {
    /** Why, for the program. */
    readonly code: AuthErrorCode;
    /** The provider's name for the request that failed, for the help desk. */
    readonly requestId?: string | undefined;
    constructor(
    /** Why, for the program. */
    code: AuthErrorCode, message: string, 
    /** The provider's name for the request that failed, for the help desk. */
    requestId?: string | undefined);
}

/** How an application is known to Postern. */
export interface AuthOptions {
    /**
     * The origin of your Postern, such as `https://login.example.com`. May be left out where the script was loaded from
     * Postern itself (`/sdk/v1.js`).
     */
    issuer?: string;
    /** The client ID the application is registered with. */
    clientId: string;
    /**
     * Where the answer of a redirect sign-in arrives: a registered redirect URI of this origin, which calls
     * `handleRedirect()`. Default: the page itself, without query and fragment.
     */
    redirectUri?: string;
    /**
     * A registered redirect URI of this origin whose page calls `popupCallback()`. Needed only by pages that send
     * `Cross-Origin-Opener-Policy: same-origin`.
     */
    popupCallbackUri?: string;
    /** How long a sign-in may take in all, the person's part included. Default: 300000, which is five minutes. */
    timeoutMs?: number;
}
/** One sign-in. */
export interface SignInOptions {
    /** In a popup (`true`) or by leaving the page (`false`, the default). */
    popup?: boolean;
    /** The connection to sign in at, such as `FabrikamAD`. Default: the person chooses where there are several. */
    connection?: string;
    /** What to learn about the person: `openid` with any of `profile`, `name`, `email`, `groups`. Default: `openid`. */
    scope?: string;
    /** A user name to begin with. */
    loginHint?: string;
    /** `login` or `select_account`: ask in any case. `none`: never ask; fails with `login_required`. */
    prompt?: 'none' | 'login' | 'select_account' | 'consent';
    /** Ask again when the person signed in longer ago than this many seconds. */
    maxAge?: number;
    /** Languages of the sign-in pages, in order of preference, such as `de en`. */
    uiLocales?: string;
    /** Comes back in the result. In redirect mode it has to survive JSON: what JSON cannot hold is a TypeError. */
    appState?: unknown;
    /** Ends the sign-in with `aborted`. */
    signal?: AbortSignal;
}
/** The person, as the ID token tells: `sub`, the claims that the scopes asked for, and how they signed in. */
export interface Profile {
    /** The person's lasting name for programs. */
    sub: string;
    name?: string;
    given_name?: string;
    family_name?: string;
    /** The account name. */
    preferred_username?: string;
    email?: string;
    /** Left out of the ID token for somebody in more than 200 groups, or with more than 4 KiB of their names: `/userinfo` has them all. */
    groups?: string[];
    /** How they signed in: `urn:postern:acr:certificate` or `urn:postern:acr:password`. */
    acr?: string;
    [claim: string]: unknown;
}
/** Somebody is signed in. */
export interface SignInResult {
    profile: Profile;
    idToken: string;
    /** For Postern's `/userinfo`; opaque. */
    accessToken: string;
    /** When the tokens end, in milliseconds since 1970. */
    expiresAt: number;
    /** What was granted. */
    scope: string;
    /** What `signin` was given. */
    appState: unknown;
}
/** A sign-out. */
export interface SignOutOptions {
    /**
     * Where the browser goes afterwards: a registered sign-out address. Default: Postern's own page, which it also is after
     * a reload: no ID token is in memory then, and the person is asked.
     */
    returnTo?: string;
    /** Comes back to `returnTo` as `state`. */
    state?: string;
}

/**
 * To be called by the page at `popupCallbackUri`: hands the answer to the page that opened the popup and closes the
 * window. Does nothing on a page that was not opened with an answer.
 */
export declare function popupCallback(): void;

/** Postern, as one application sees it. Make one per page, in the browser. */
export declare class Auth {
    #private;
    /**
     * @throws {TypeError} when `issuer` or `clientId` is missing or cannot be one.
     * @throws {AuthError} `insecure_context` when the page was not loaded over HTTPS.
     */
    constructor(options: AuthOptions);
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
    signin(options: SignInOptions, onLoginSuccess: ((result: SignInResult) => void) | undefined, onLoginFailed: (error: AuthError) => void): Promise<SignInResult | undefined>;
    /**
     * Ends a redirect sign-in on the page it comes back to. `null` when the page was not opened by an answer of Postern.
     * The answer is taken out of the address bar.
     *
     * @throws {AuthError} why nobody was signed in.
     */
    handleRedirect(): Promise<SignInResult | null>;
    /** Who signed in last on this page, or `null`. In memory only: `null` again after a reload. */
    getUser(): Profile | null;
    /** Forgets the tokens and goes to Postern to end the session there. */
    signout({ returnTo, state }?: SignOutOptions): void;
}

export as namespace Postern;
