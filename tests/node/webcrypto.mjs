// Node 18, Debian 12's own, has WebCrypto but not as a global; openid-client needs the global.
// Imported first, so that it is there before the library is.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
