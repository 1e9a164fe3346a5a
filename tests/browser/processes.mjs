// Programs that tests start, and the folders they write to. All of them end with this process, also when a
// test has failed or the process is told to end.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const children = new Set();
const folders = new Set();

process.on('exit', () => {
  // What was started here ends what it has started; browsers write to their folders to the last.
  for (const child of children) child.kill(child.killsChildren ? 'SIGTERM' : 'SIGKILL');
  for (const folder of folders) {
    try {
      removeFolder(folder);
    } catch (error) {
      process.stderr.write(`${folder} stays: ${error.message}\n`);
    }
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** Runs a program to its end; fails with what it said if it does not end well. */
export async function run(program, parameters, options = {}) {
  const { stdout } = await promisify(execFile)(program, parameters, { ...options, maxBuffer: 1 << 24 });
  return stdout;
}

/** Starts a program that stays. `said()` is what it has written so far, `stop()` ends it. */
export function start(program, parameters, options = {}) {
  const child = spawn(program, parameters, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.killsChildren = true;
  const output = [];
  child.stdout?.on('data', (chunk) => output.push(chunk));
  child.stderr?.on('data', (chunk) => output.push(chunk));
  children.add(child);
  const ended = new Promise((resolve) => {
    child.on('error', (error) => { output.push(Buffer.from(String(error))); children.delete(child); resolve(); });
    child.on('exit', () => { children.delete(child); resolve(); });
  });
  return {
    child,
    said: () => Buffer.concat(output).toString(),
    isRunning: () => children.has(child),
    async stop() {
      if (children.has(child)) child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** Has a program that something else started ended with this process. */
export function watch(child) {
  children.add(child);
  child.on('exit', () => children.delete(child));
}

/** A folder of one's own, gone with this process. */
export function temporaryFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `postern-${name}-`));
  folders.add(folder);
  return folder;
}

/** Removes such a folder early. */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  folders.delete(folder);
}
