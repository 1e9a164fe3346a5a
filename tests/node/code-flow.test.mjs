// openid-client, unmodified, signs jon in by his certificate: discovery, authorize with PKCE, token,
// userinfo. The library itself judges the ID token.
//
// POSTERN_RIG names the demo.json (or rig.json) of a running Postern; tests/run starts one.

import './webcrypto.mjs';

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import * as client from 'openid-client';
import { fetch } from 'undici';

import { agent, walk } from './browser.mjs';

const file = process.env.POSTERN_RIG;
const skip = file ? false : 'POSTERN_RIG names no running Postern';
const rig = file ? JSON.parse(await readFile(file, 'utf8')) : {};

/** The library, told how to reach this machine's names and which root to trust. */
async function discovered() {
  const root = await readFile(rig.server_root, 'utf8');
  const dispatcher = agent({ root });
  const config = await client.discovery(new URL(rig.issuer), rig.client_id, undefined, client.None(), {
    [client.customFetch]: (url, options) => fetch(url, { ...options, dispatcher }),
  });
  return { config, root };
}

/** A browser of jon's goes from the authorize address to the application's. */
async function signedIn(config, root, parameters) {
  const dispatcher = agent({
    root,
    certificate: await readFile(rig.user_cert, 'utf8'),
    key: await readFile(rig.user_key, 'utf8'),
  });
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: rig.redirect_uri,
    connection: rig.connection,
    scope: 'openid profile email groups',
    ...parameters,
  });
  return walk(dispatcher, url, rig.redirect_uri);
}

test('the code flow with PKCE ends with jon', { skip, timeout: 30_000 }, async () => {
  const { config, root } = await discovered();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const arrived = await signedIn(config, root, {
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
  });
  const tokens = await client.authorizationCodeGrant(config, arrived, {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  assert.equal(claims.iss, rig.issuer);
  assert.equal(claims.aud, rig.client_id);
  assert.ok(claims.auth_time > 0 && claims.acr && claims.amr?.length > 0, JSON.stringify(claims));

  const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(person.sub, claims.sub);
  assert.equal(person.preferred_username, 'jon');
  assert.ok(person.groups.length > 0, 'jon is in groups');
});

test('a code is good once', { skip, timeout: 30_000 }, async () => {
  const { config, root } = await discovered();
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const arrived = await signedIn(config, root, {
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
  });
  const redeem = () =>
    client.authorizationCodeGrant(config, arrived, { pkceCodeVerifier, expectedState });
  const tokens = await redeem();
  await assert.rejects(redeem, { error: 'invalid_grant' });
  // The second use takes the first one's tokens back.
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub));
});

test('another verifier redeems nothing', { skip, timeout: 30_000 }, async () => {
  const { config, root } = await discovered();
  const expectedState = client.randomState();
  const arrived = await signedIn(config, root, {
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
    state: expectedState,
  });
  await assert.rejects(
    client.authorizationCodeGrant(config, arrived, {
      pkceCodeVerifier: client.randomPKCECodeVerifier(),
      expectedState,
    }),
    { error: 'invalid_grant' },
  );
});
