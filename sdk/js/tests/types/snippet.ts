// What an application writes with the package compiles, and what is wrong does not.

import { Auth, AuthError, popupCallback, type Profile, type SignInResult } from '@postern/sdk';

const auth = new Auth({ issuer: 'https://login.example.com', clientId: 'app' });

function onLoginSuccess(result: SignInResult): void {
  const { profile } = result;
  const name: string | undefined = profile.name;
  const groups: string[] | undefined = profile.groups;
  console.log(profile.sub.length, name, groups, profile['employee_number']);
}

function onLoginFailed(error: AuthError): void {
  if (error.code === 'popup_blocked' || error.code === 'provider_s_own') console.log(error.message, error.requestId);
}

    auth.signin({
      popup: true,
      connection: 'FabrikamAD',
      scope: 'openid name email'
    }, onLoginSuccess, onLoginFailed);

export async function promises(): Promise<void> {
  const { profile, idToken, accessToken, expiresAt, scope, appState }: SignInResult = await auth.signin({
    popup: true,
    connection: 'FabrikamAD',
    loginHint: 'jon',
    prompt: 'login',
    maxAge: 60,
    uiLocales: 'de en',
    appState: { from: '/orders' },
    signal: new AbortController().signal,
  });
  const texts: string[] = [profile.sub, idToken, accessToken, scope];
  const arrived: SignInResult | null = await auth.handleRedirect();
  const person: Profile | null = auth.getUser();
  auth.signout();
  auth.signout({ returnTo: 'https://app.example.com/bye', state: 'x' });
  popupCallback();
  console.log(texts, expiresAt + 1, appState, arrived, person);

  // @ts-expect-error: with onLoginFailed, a failure ends in undefined.
  const certain: SignInResult = await auth.signin({}, onLoginSuccess, onLoginFailed);
  // @ts-expect-error: the client ID is what an application must know.
  new Auth({ issuer: 'https://login.example.com' });
  // @ts-expect-error: not a prompt.
  await auth.signin({ prompt: 'maybe' });
  // @ts-expect-error: its state is its own.
  console.log(auth.issuer, certain);
}
