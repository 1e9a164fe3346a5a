// The package: `import { Auth } from '@postern/sdk'`.

export { Auth } from './auth.js';
export { popupCallback } from './callback.js';
export { AuthError, type AuthErrorCode } from './error.js';
export type { AuthOptions, Profile, SignInOptions, SignInResult, SignOutOptions } from './types.js';
