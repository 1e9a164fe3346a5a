// What goes into the SDK and what comes out of it.

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

