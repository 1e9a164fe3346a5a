// The window somebody signs in with, and how its answer is heard.
//
// Invariant: an answer counts once, and only from the issuer's own page in the window that was opened here, or over the
// channel that is named by the sign-in's state.

import { channelFor } from './callback.js';
import { AuthError } from './error.js';
import { type Answer, authorizeUrl, type Transaction } from './transaction.js';

const enum Pixels {
  Width = 600,
  Height = 720,
}

const enum Milliseconds {
  /** How often to look at the window. */
  Look = 50,
  /** How long a message may take that set out before its window closed. */
  LateMessage = 400,
  /** The same for a page that calls `popupCallback`: it has to load first. */
  LatePage = 3000,
}

/**
 * How often a window was seen at the sign-in page before its closing is believed. One that COOP cuts off is there for a
 * moment, too, and then seems closed although somebody is signing in with it: with a channel, which would hear them, that
 * mistake would cost their sign-in, so three seconds have to pass.
 */
const enum Looks {
  ForMessage = 2,
  ForChannel = 60,
}

/** Opens an empty window over the middle of this one. It has to happen in the click itself. */
export const openPopup = (): Window => {
  const popup = open(
    'about:blank',
    '_blank',
    `popup,width=${Pixels.Width},height=${Pixels.Height},left=${screenX + (outerWidth - Pixels.Width) / 2},top=${
      screenY + (outerHeight - Pixels.Height) / 2
    }`,
  );
  if (popup) return popup;
  throw new AuthError(
    'popup_blocked',
    'The browser blocked the window. Call signin() in a click.',
  );
};

/** Whether the window shows a page of another origin, as the sign-in page is: 1 or 0. */
const elsewhere = (popup: Window): number => {
  try {
    return +!popup.location.href;
  } catch {
    return 1;
  }
};

/** Sends `popup` to sign somebody in and waits for the answer: by message, or by way of a page that calls `popupCallback`. */
export const answerFrom = (
  popup: Window,
  transaction: Transaction,
  signal: AbortSignal,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { issuer, request } = transaction;
    let seen = 0;
    let late: ReturnType<typeof setTimeout>;
    const channel = request.response_mode === 'query' && channelFor(request.state);
    const hear = ({ origin, source, data }: MessageEvent): void => {
      if (channel) resolve({ ...data });
      else if (origin === issuer && source === popup && data?.type === 'authorization_response') resolve({ ...data.response });
    };
    const look = setInterval(() => {
      if (!popup.closed) {
        seen += elsewhere(popup);
        return;
      }
      clearInterval(look);
      if (channel && seen < Looks.ForChannel) return;
      const why =
        seen < Looks.ForMessage
          ? new AuthError(
              'popup_severed',
              'COOP cut the window off. Set popupCallbackUri.',
            )
          : new AuthError('popup_closed', 'Nobody signed in: the window was closed.');
      late = setTimeout(() => reject(why), channel ? Milliseconds.LatePage : Milliseconds.LateMessage);
    }, Milliseconds.Look);
    const end = (): void => {
      clearInterval(look);
      clearTimeout(late);
      if (channel) channel.close();
      popup.close();
      reject(signal.reason);
    };
    (channel || window).addEventListener('message', hear as EventListener, { signal });
    signal.addEventListener('abort', end);
    authorizeUrl(transaction)
      .then((url) => popup.location.replace(url))
      .catch(reject);
  });
