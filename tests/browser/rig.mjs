// A running Postern: of this test's own by `testkit up`, or the one that POSTERN_RIG names.

import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { removeFolder, run, start, temporaryFolder } from './processes.mjs';
import { until } from './waiting.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Where cargo puts what it builds. */
const built = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug');

/** Starts a rig, unless one is given; `options` are more of `testkit up`, and always make an own one. */
export async function rigUp(...options) {
  const given = process.env.POSTERN_RIG;
  if (given && options.length === 0) return new Rig(given, async () => {});
  const folder = temporaryFolder('rig');
  const data = join(folder, 'rig');
  const testkit = start(join(built, 'testkit'),
    ['up', '--data', data, '--gateways', '2', '--directory', 'file', '--patient', ...options]);
  const file = join(data, 'rig.json');
  const stop = async () => {
    await testkit.stop();
    removeFolder(folder);
  };
  try {
    await until('the rig to be up', async () => {
      if (!testkit.isRunning()) return 'ended';
      return readFile(file).then(() => true, () => false);
    }, 90);
    if (!testkit.isRunning()) throw new Error('testkit up has ended');
    return new Rig(file, stop);
  } catch (error) {
    const said = testkit.said();
    await stop();
    throw new Error(`the rig did not start: ${said}`, { cause: error });
  }
}

/** Starts the demonstration, with its sample application, on free ports; on others if somebody was quicker. */
export async function demoUp() {
  const folder = temporaryFolder('demo');
  const file = join(folder, 'demo.json');
  for (let turn = 1; ; turn += 1) {
    const [port, admin] = await freePorts(2);
    const demo = start(join(built, 'postern'), ['demo', '--data', folder, '--port', `${port}`, '--admin-port', `${admin}`]);
    const stop = async () => {
      await demo.stop();
      removeFolder(folder);
    };
    await until('the demonstration to be up', () => !demo.isRunning() || existsSync(file), 90);
    if (demo.isRunning()) return new Rig(file, stop);
    if (turn === 3 || !/address already in use/i.test(demo.said())) {
      throw new Error(`the demonstration did not start: ${demo.said()}`);
    }
  }
}

/** Ports that nobody listens on, below those that the kernel gives to outgoing connections. */
async function freePorts(count) {
  const held = [];
  while (held.length < count) {
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(20_000 + Math.floor(Math.random() * 10_000), () => resolve(true));
    });
    if (isFree) held.push(server);
  }
  const ports = held.map((server) => server.address().port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What is known about a running Postern. */
class Rig {
  constructor(file, stop) {
    Object.assign(this, { certificate_host: 'cert.localhost' }, JSON.parse(readFileSync(file, 'utf8')));
    this.stop = stop;
    this.folder = dirname(file);
    this.port = Number(new URL(this.issuer).port);
    const passwords = join(this.folder, 'passwords.json');
    this.passwords = existsSync(passwords) ? JSON.parse(readFileSync(passwords, 'utf8')) : {};
    this.login = new URL(this.issuer);
    this.root = readFileSync(this.server_root, 'utf8');
  }

  /** The certificate host's origin, or that of a name before it. */
  certificateOrigin(before = '') {
    return `https://${before}${this.certificate_host}:${this.port}`;
  }

  /** A file of somebody's certificate: `jon`, `jane`, `eve`, `stranger` or `foreign`. */
  pki(file) {
    return join(this.folder, 'pki', file);
  }

  /** The lines of the gateways' logs, as objects, with the gateway's number. */
  log() {
    return this.addresses.gateway.flatMap((_, index) => readFileSync(join(this.folder, `logs/gateway-${index + 1}.log`), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => ({ gateway: index + 1, ...JSON.parse(line) })));
  }

  /** `postern …`, told how to reach this rig's admin API. */
  async postern(...parameters) {
    return run(join(built, 'postern'), parameters, { env: { ...process.env, ...this.env } });
  }
}
