// What a script element gives: the global `Postern`, and the issuer is known.

/// <reference path="../../dist/postern.d.ts" />

function start(): void {
  const auth = new Postern.Auth({ clientId: 'app' });
  auth.signin({ popup: true }, ({ profile }) => console.log(profile.name), (error) => console.log(error.code));
  Postern.popupCallback();
}
