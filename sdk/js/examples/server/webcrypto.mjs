// Node 18 has WebCrypto, but not as a global, and openid-client needs the global. Not needed from Node 20 on.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
