// The script element: the global `Postern`, with the Postern that served the script as the default issuer.

import { Auth, AuthError, popupCallback } from './index.js';
import { served } from './served.js';

// Other hosts may serve a copy of this file: only Postern's own place for it says who the issuer is.
const { src } = document.currentScript as HTMLScriptElement;
served.issuer = /^(.+)\/sdk\/v1\.js/.exec(src)?.[1] ?? '';

(window as { Postern?: unknown }).Postern = { Auth, AuthError, popupCallback };
