import { Auth, AuthError, type Profile } from '@postern/sdk';
import { useState } from 'react';

import { CLIENT_ID, CONNECTION, ISSUER } from './configuration';

const auth = new Auth({ issuer: ISSUER, clientId: CLIENT_ID });

/** Who is signed in, and how to change that. Use it in one place and hand on what it gives. */
export function useAuth() {
  const [profile, setProfile] = useState<Profile | null>(auth.getUser());
  const [problem, setProblem] = useState<string | null>(null);

  // Called by a click and without an `await` before it: only then may the popup open.
  async function signIn() {
    setProblem(null);
    try {
      const result = await auth.signin({ popup: true, connection: CONNECTION, scope: 'openid name email' });
      setProfile(result.profile);
    } catch (error) {
      // Given up for a newer sign-in, which goes on.
      if ((error as AuthError).code === 'aborted') return;
      setProblem(sentence(error as AuthError));
    }
  }

  function signOut() {
    auth.signout({ returnTo: `${location.origin}/` });
  }

  return { profile, problem, signIn, signOut };
}

function sentence({ code, requestId }: AuthError): string {
  switch (code) {
    case 'access_denied':
    case 'popup_closed':
      return 'You were not signed in.';
    case 'popup_blocked':
      return 'Your browser blocked the sign-in window. Allow pop-ups for this page, then try again.';
    case 'timeout':
      return 'Signing in took too long. Please try again.';
    default:
      return `Signing in did not work (${requestId ? `${code}, request ${requestId}` : code}). Please try again.`;
  }
}
