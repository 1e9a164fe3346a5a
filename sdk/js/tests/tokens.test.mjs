// What the token endpoint may answer, and which ID tokens count.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { page } from './page.mjs';
import { CLIENT, ISSUER, json, messageTo, REQUEST_ID, tokenEndpoint, tokens } from './provider.mjs';
import { Auth } from '../dist/postern.mjs';

/** A sign-in whose code is redeemed for what `answer` makes of the good claims. */
async function signedIn(t, answer, options) {
  const here = page(t);
  const result = new Auth({ issuer: ISSUER, clientId: CLIENT }).signin({ popup: true, ...options });
  const authorize = await here.popups[0].went;
  const asked = tokenEndpoint(t, authorize, answer);
  here.say(here.popups[0], ISSUER, messageTo(authorize));
  return { profile: (await result).profile, asked, authorize };
}

const now = () => Math.floor(Date.now() / 1000);
const withClaims = (more) => (claims) => json(tokens({ ...claims, ...more() }));

test('PKCE is that of RFC 7636, appendix B', async (t) => {
  const octets = [
    116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91,
    88, 5, 88, 83, 132, 141, 121,
  ];
  t.mock.method(crypto, 'getRandomValues', (bytes) => (bytes.set(octets), bytes));
  const { asked, authorize } = await signedIn(t);
  assert.equal(authorize.searchParams.get('code_challenge'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
  const body = new URLSearchParams(String(asked[0].body));
  assert.equal(body.get('code_verifier'), 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk');
});

for (const [what, more] of [
  ['an audience among several, with azp', () => ({ aud: ['other', CLIENT], azp: CLIENT })],
  ['a list of one audience', () => ({ aud: [CLIENT] })],
  ['an age within the leeway', () => ({ exp: now() - 50 })],
]) {
  test(`an ID token with ${what} is good`, async (t) => {
    assert.equal((await signedIn(t, withClaims(more))).profile.sub, '96d0d973');
  });
}

for (const [claim, what, more, options] of [
  ['iss', 'another issuer', () => ({ iss: 'https://other.example.com' })],
  ['iss', 'no issuer', () => ({ iss: undefined })],
  ['aud', 'another audience', () => ({ aud: 'other' })],
  ['aud', 'an audience that begins alike', () => ({ aud: `${CLIENT}2` })],
  ['aud', 'no audience', () => ({ aud: undefined })],
  ['aud', 'other audiences', () => ({ aud: ['other', 'another'] })],
  ['azp', 'several audiences and no azp', () => ({ aud: [CLIENT, 'other'] })],
  ['azp', 'another azp', () => ({ azp: 'other' })],
  ['nonce', 'another nonce', () => ({ nonce: 'other' })],
  ['nonce', 'no nonce', () => ({ nonce: undefined })],
  ['exp', 'an age beyond the leeway', () => ({ exp: now() - 70 })],
  ['exp', 'no end', () => ({ exp: undefined })],
  ['sub', 'nobody in it', () => ({ sub: undefined })],
  ['auth_time', 'a sign-in older than maxAge', () => ({ auth_time: now() - 200 }), { maxAge: 100 }],
  ['auth_time', 'maxAge asked and no auth_time', () => ({ auth_time: undefined }), { maxAge: 100 }],
]) {
  test(`an ID token with ${what} is invalid_token`, async (t) => {
    await assert.rejects(signedIn(t, withClaims(more), options), (error) => {
      assert.equal(error.code, 'invalid_token');
      assert.match(error.message, new RegExp(`: ${claim}\\b`));
      assert.equal(error.requestId, REQUEST_ID);
      return true;
    });
  });
}

for (const token of [undefined, null, '', 'x', 'a.b.c', 'a.bnVsbA.c', 7]) {
  test(`an ID token that is ${JSON.stringify(token)} is invalid_token`, async (t) => {
    const answer = (claims) => json({ ...tokens(claims), id_token: token });
    await assert.rejects(signedIn(t, answer), { code: 'invalid_token' });
  });
}

test('nobody is known after a bad ID token', async (t) => {
  const here = page(t);
  const postern = new Auth({ issuer: ISSUER, clientId: CLIENT });
  const result = postern.signin({ popup: true });
  const authorize = await here.popups[0].went;
  tokenEndpoint(t, authorize, withClaims(() => ({ nonce: 'other' })));
  here.say(here.popups[0], ISSUER, messageTo(authorize));
  await assert.rejects(result);
  assert.equal(postern.getUser(), null);
});

test('a refusal of the token endpoint keeps its code, its words and its request id', async (t) => {
  const answer = () => json({ error: 'invalid_grant', error_description: 'the code is used' }, 400);
  await assert.rejects(signedIn(t, answer), {
    name: 'AuthError',
    code: 'invalid_grant',
    message: 'the code is used',
    requestId: REQUEST_ID,
  });
});

test('a refusal without words is its code; one without a code is server_error', async (t) => {
  await assert.rejects(signedIn(t, () => json({ error: 'temporarily_unavailable' }, 503)), {
    code: 'temporarily_unavailable',
    message: 'temporarily_unavailable',
  });
  await assert.rejects(signedIn(t, () => json(null, 500)), { code: 'server_error', requestId: REQUEST_ID });
});

test('a token endpoint that is away is network, and the message says where to look', async (t) => {
  const answer = () => {
    throw new TypeError('Failed to fetch');
  };
  await assert.rejects(signedIn(t, answer), (error) => {
    assert.equal(error.code, 'network');
    assert.match(error.message, /^https:\/\/login\.example\.com\/token: .*Failed to fetch.*https:\/\/app\.example\.com/);
    return true;
  });
});

test('a page instead of JSON is network, with the request id if there is one', async (t) => {
  const answer = () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'x-request-id': 'req-9' } });
  await assert.rejects(signedIn(t, answer), { code: 'network', requestId: 'req-9' });
});
