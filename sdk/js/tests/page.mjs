// A web page as far as the SDK needs one: an origin, an address, storage, and windows it can open. No browser is needed
// for these tests; the ones in tests/browser hold the same cases against real ones.

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;

export const ORIGIN = 'https://app.example.com';

/** A window that the page opened. Its closing, and what its location can be asked, are the test's to decide. */
class Popup {
  closed = false;
  #went;
  /** Where it was sent. */
  went = new Promise((resolve) => (this.#went = resolve));

  constructor(url, name, features, page) {
    this.opened = { url, name, features };
    const popup = this;
    this.location = {
      get href() {
        if (popup.foreign) throw new Error('another origin');
        return 'about:blank';
      },
      replace: (target) => {
        this.foreign = page.reachable;
        this.#went(new URL(target));
      },
    };
  }

  close() {
    this.closed = true;
  }

  /** Ends when the page has looked at this window `times` more times. */
  looked(times) {
    return new Promise((resolve) => {
      let closed = this.closed;
      Object.defineProperty(this, 'closed', {
        configurable: true,
        set: (value) => (closed = value),
        get: () => {
          times -= 1;
          if (times === 0) resolve();
          return closed;
        },
      });
    });
  }
}

class Storage {
  getItem(key) {
    return Object.hasOwn(this, key) ? this[key] : null;
  }

  setItem(key, value) {
    this[key] = String(value);
  }

  removeItem(key) {
    delete this[key];
  }
}

const channels = new Set();
class Channel extends BroadcastChannel {
  constructor(name) {
    super(name);
    channels.add(this);
  }

  close() {
    channels.delete(this);
    super.close();
  }
}

/** Makes this process a page at `path`. `t` is the test: the page ends with it. */
export function page(t, path = '/') {
  const window = new EventTarget();
  const url = new URL(ORIGIN + path);
  const here = {
    window,
    popups: [],
    /** Whether a click allows a window. */
    clicked: true,
    /** Whether a window that goes to another origin can still be reached (no COOP). */
    reachable: true,
    /** Where the page was sent. */
    left: new Promise((resolve) => (url.leave = resolve)),
    uncaught: [],
    /** A message of `source`, a page of `origin`. */
    say: (source, origin, data) =>
      window.dispatchEvent(Object.assign(new Event('message'), { source, origin, data })),
  };
  const location = {
    get href() {
      return url.href;
    },
    get search() {
      return url.search;
    },
    origin: url.origin,
    pathname: url.pathname,
    assign: (target) => url.leave(new URL(target)),
  };
  const replacements = {
    window,
    location,
    history: { replaceState: (_state, _title, target) => (url.href = new URL(target, url).href) },
    sessionStorage: new Storage(),
    localStorage: new Proxy({}, { get: () => assertNever(), set: () => assertNever() }),
    BroadcastChannel: Channel,
    screenX: 100,
    screenY: 50,
    outerWidth: 1400,
    outerHeight: 900,
    open: (target, name, features) => {
      if (!here.clicked) return null;
      const popup = new Popup(target, name, features, here);
      here.popups.push(popup);
      return popup;
    },
    close: () => (here.closed = true),
    queueMicrotask: (task) =>
      Promise.resolve().then(() => {
        try {
          task();
        } catch (error) {
          here.uncaught.push(error);
        }
      }),
  };
  const before = new Map();
  for (const [name, value] of Object.entries(replacements)) {
    before.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  t.after(() => {
    for (const channel of channels) channel.close();
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor);
      else delete globalThis[name];
    }
  });
  return here;
}

function assertNever() {
  throw new Error('localStorage is never used');
}
