// What the administrator registered.

export const ISSUER = 'https://login.example.com';
export const CLIENT_ID = 'app';
export const CONNECTION = 'FabrikamAD';
