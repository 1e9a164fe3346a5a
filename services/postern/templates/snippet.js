const auth = new Postern.Auth({ clientId: 'demo-page' });

// With a popup: this page stays where it is.
function signInWithPopup() {
  auth.signin({ popup: true, connection: 'FabrikamAD', scope: 'openid name email' }, onLoginSuccess, onLoginFailed);
}

// By a redirect: this page goes away and comes back ...
function signInByRedirect() {
  auth.signin({ popup: false, connection: 'FabrikamAD', scope: 'openid name email' }, onLoginSuccess, onLoginFailed);
}

// ... with an answer in its address.
auth.handleRedirect().then((result) => {
  if (result) onLoginSuccess(result);
}, onLoginFailed);

function signOut() {
  auth.signout({ returnTo: location.origin + location.pathname });
}
