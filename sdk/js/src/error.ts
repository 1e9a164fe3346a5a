// The one error of this SDK.
//
// Invariant: everything that ends a sign-in is an AuthError; mistakes in the calling code are TypeErrors.

/**
 * Why a sign-in ended: one of the SDK's own codes, or the provider's (`access_denied`, `login_required`,
 * `temporarily_unavailable`, ...). The README says what each means and what to do.
 */
export type AuthErrorCode =
  | 'popup_blocked'
  | 'popup_closed'
  | 'popup_severed'
  | 'timeout'
  | 'aborted'
  | 'network'
  | 'insecure_context'
  | 'state_mismatch'
  | 'invalid_token'
  | 'access_denied'
  | 'login_required'
  | 'temporarily_unavailable'
  | (string & {});

/** A sign-in that ended without anybody signed in. `message` is for the developer, `code` for the program. */
export class AuthError extends Error {
  constructor(
    /** Why, for the program. */
    readonly code: AuthErrorCode,
    message: string,
    /** The provider's name for the request that failed, for the help desk. */
    readonly requestId?: string | undefined,
  ) {
    super(message);
    this.name = 'AuthError';
  }
}

/**
 * What a provider said instead of a yes: its `error` and `error_description`.
 * @internal
 */
export const refusal = (said: Record<string, unknown>, requestId: unknown): AuthError => {
  const { error = 'server_error', error_description = error } = said;
  return new AuthError(error as string, error_description as string, requestId as string | undefined);
};
