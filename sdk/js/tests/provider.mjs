// Postern as far as the SDK sees it: the authorize address it is sent to, and the token endpoint.

import { createHash } from 'node:crypto';

export const ISSUER = 'https://login.example.com';
export const CLIENT = 'app';
export const CODE = 'a-code';
export const REQUEST_ID = 'req-7';

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The claims of an ID token that is an answer to the request at this authorize address. */
export const claimsFor = (authorize, more = {}) => ({
  iss: ISSUER,
  sub: '96d0d973',
  aud: CLIENT,
  exp: Math.floor(Date.now() / 1000) + 300,
  iat: Math.floor(Date.now() / 1000),
  auth_time: Math.floor(Date.now() / 1000),
  nonce: authorize.searchParams.get('nonce'),
  acr: 'urn:postern:acr:certificate',
  amr: ['swk'],
  at_hash: 'x',
  sid: 'y',
  name: 'Jon Šnow',
  email: 'jon@fabrikam.example',
  ...more,
});

export const idToken = (claims) => `${base64url({ alg: 'ES256' })}.${base64url(claims)}.signature`;

/** The answer to the request at this authorize address. */
export const answerTo = (authorize, more = {}) => ({
  code: CODE,
  state: authorize.searchParams.get('state'),
  iss: ISSUER,
  ...more,
});

/** The answer as the sign-in page posts it. */
export const messageTo = (authorize, more = {}) => ({
  type: 'authorization_response',
  response: answerTo(authorize, more),
});

/**
 * Answers token requests as Postern would: the code once, for its redirect URI, with the verifier of its challenge.
 * `answer(claims)` may say something else. Returns what was asked.
 */
export function tokenEndpoint(t, authorize, answer) {
  const asked = [];
  const before = globalThis.fetch;
  t.after(() => (globalThis.fetch = before));
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options });
    const body = new URLSearchParams(String(options.body));
    const request = (await authorize).searchParams;
    const claims = claimsFor(await authorize);
    if (answer) {
      const said = await answer(claims, options);
      if (said) return said;
    }
    const proven =
      createHash('sha256').update(body.get('code_verifier')).digest('base64url') === request.get('code_challenge');
    const good =
      url === `${ISSUER}/token` &&
      asked.length === 1 &&
      body.get('grant_type') === 'authorization_code' &&
      body.get('code') === CODE &&
      body.get('client_id') === request.get('client_id') &&
      body.get('redirect_uri') === request.get('redirect_uri') &&
      proven;
    if (!good) return json({ error: 'invalid_grant', error_description: 'the code is not for this' }, 400);
    return json(tokens(claims));
  };
  return asked;
}

/** The token endpoint's good answer. */
export const tokens = (claims) => ({
  access_token: 'access',
  token_type: 'Bearer',
  expires_in: 300,
  id_token: idToken(claims),
  scope: 'openid email name',
});

export const json = (body, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { 'x-request-id': REQUEST_ID } });
