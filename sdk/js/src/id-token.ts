// What an ID token says, and whether it was meant for this sign-in.
//
// It came straight from the token endpoint over TLS, which stands for its signature (OpenID Connect Core 3.1.3.7, 6).
//
// Invariant: no claim is told on before issuer, audience, nonce and age were checked.

import { AuthError } from './error.js';
import type { Transaction } from './transaction.js';
import type { Profile } from './types.js';

const enum Seconds {
  /** How far clocks may be apart. */
  Leeway = 60,
}

const decoded = (token: string): Record<string, unknown> => {
  const payload = atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (byte) => byte.charCodeAt(0))));
};

/** The person an ID token is about. */
export const profileOf = (
  token: unknown,
  { issuer, request: { client_id, nonce: expected, max_age } }: Transaction,
  requestId: string | undefined,
): Profile => {
  let wrong = 'format';
  try {
    const { iss, aud, azp, exp, iat, nonce, at_hash, auth_time, sid, ...profile } = decoded(`${token}`);
    const audience = [aud].flat();
    const past = Date.now() / 1000 - Seconds.Leeway;
    if (iss !== issuer) wrong = 'iss';
    else if (!audience.includes(client_id)) wrong = 'aud';
    else if ((azp ?? (audience[1] ? 0 : client_id)) !== client_id) wrong = 'azp';
    else if (nonce !== expected) wrong = 'nonce';
    else if (!((exp as number) > past)) wrong = 'exp';
    else if (max_age != null && !((auth_time as number) + max_age > past)) wrong = 'auth_time';
    else if (!profile['sub']) wrong = 'sub';
    else return profile as Profile;
  } catch {
    // Its format is wrong.
  }
  throw new AuthError('invalid_token', `The ID token is not for this sign-in: ${wrong}`, requestId);
};
