'use strict';

// What the administrator registered. The script in the page says which Postern it is.
const auth = new Postern.Auth({ clientId: 'app' });

const status = document.querySelector('#status');
const signIn = document.querySelector('#sign-in');
const signOut = document.querySelector('#sign-out');

signIn.addEventListener('click', () => {
  status.textContent = 'Signing in …';
  auth.signin({
    popup: true,
    connection: 'FabrikamAD',
    scope: 'openid name email'
  }, onLoginSuccess, onLoginFailed);
});

signOut.addEventListener('click', () => {
  auth.signout({ returnTo: `${location.origin}/` });
});

function onLoginSuccess({ profile }) {
  // As text, never as HTML: a name is whatever the directory says.
  status.textContent = `Welcome ${profile.name}.`;
  signIn.hidden = true;
  signOut.hidden = false;
}

function onLoginFailed(error) {
  // Given up for a newer sign-in, which goes on.
  if (error.code === 'aborted') return;
  const sentences = {
    access_denied: 'You were not signed in.',
    popup_blocked: 'Your browser blocked the sign-in window. Allow pop-ups for this page, then try again.',
    popup_closed: 'You were not signed in.',
    timeout: 'Signing in took too long. Please try again.',
  };
  const reference = error.requestId ? ` (${error.code}, request ${error.requestId})` : ` (${error.code})`;
  status.textContent = sentences[error.code] ?? `Signing in did not work${reference}. Please try again.`;
}
