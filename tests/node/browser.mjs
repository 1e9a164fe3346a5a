// A browser as far as one sign-in needs it: cookies per host, `Location`, `Refresh` and
// `<meta http-equiv="refresh">`, over connections that present a client certificate.

import { Agent, fetch } from 'undici';

const STEPS = 20;

/** An agent that takes every `*.localhost` to loopback, which Node's resolver does not. */
export function agent({ root, certificate, key, address = '127.0.0.1' }) {
  return new Agent({
    connect: {
      ca: root,
      cert: certificate,
      key,
      lookup(_host, options, answer) {
        if (options.all) answer(null, [{ address, family: 4 }]);
        else answer(null, address, 4);
      },
    },
  });
}

/** Follows from `url` until the next address begins with `until`, which is returned unopened. */
export async function walk(dispatcher, url, until) {
  const cookies = new Map();
  let next = new URL(url);
  const way = [];
  for (let step = 0; step < STEPS; step += 1) {
    if (next.href.startsWith(until)) return next;
    const jar = cookies.get(next.host) ?? new Map();
    cookies.set(next.host, jar);
    const response = await fetch(next, {
      dispatcher,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        'sec-fetch-dest': 'document',
        'sec-fetch-mode': 'navigate',
      },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair, ...attributes] = cookie.split(';').map((part) => part.trim());
      const [name, ...value] = pair.split('=');
      if (attributes.some((attribute) => /^max-age=0$/i.test(attribute))) jar.delete(name);
      else jar.set(name, value.join('='));
    }
    const body = await response.text();
    // Without the query: it carries sealed values.
    way.push(`${response.status} ${next.host}${next.pathname}`);
    const target = response.headers.get('location')
      ?? refresh(response.headers.get('refresh'))
      ?? refresh(decode(/<meta\s+http-equiv="?refresh"?\s+content="([^"]*)"/i.exec(body)?.[1]));
    if (!target) {
      throw new Error(`the way ended:\n${way.join('\n')}\n${body}`);
    }
    next = new URL(target, next);
  }
  throw new Error(`no end after ${STEPS} steps:\n${way.join('\n')}`);
}

function refresh(value) {
  return /^\s*\d+\s*;\s*url=(.*)$/i.exec(value ?? '')?.[1].replace(/^["']|["']$/g, '');
}

function decode(text) {
  return text
    ?.replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');
}
