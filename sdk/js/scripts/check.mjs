// Fails when a type is wrong, when dist/ is not what the sources give, or when a script is over 3 kB.

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { make, root, tsc } from './build.mjs';

const LIMIT = 3000;
const problems = [];

for (const project of ['.', 'tests/types']) {
  try {
    execFileSync(process.execPath, [tsc, '-p', join(root, project)], { stdio: 'inherit' });
  } catch {
    problems.push(`tsc found errors in ${project} (above)`);
  }
}

const fresh = await mkdtemp(join(tmpdir(), 'postern-sdk-'));
try {
  await make(fresh);
  for (const file of ['postern.mjs', 'postern.global.js', 'postern.d.ts']) {
    const built = await readFile(join(fresh, file));
    const committed = await readFile(join(root, 'dist', file)).catch(() => Buffer.of());
    if (!built.equals(committed)) problems.push(`dist/${file} is not what the sources give: run npm run build`);
    if (file.endsWith('.d.ts')) continue;
    const size = gzipSync(built, { level: 9 }).length;
    console.log(`${file}: ${built.length} bytes, ${size} with gzip`);
    if (size > LIMIT) problems.push(`dist/${file} has ${size} bytes with gzip; ${LIMIT} are allowed`);
  }
} finally {
  await rm(fresh, { recursive: true });
}

for (const problem of problems) console.error(`error: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
