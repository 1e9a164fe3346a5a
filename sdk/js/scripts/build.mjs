// Makes the three files of dist/: `node scripts/build.mjs FOLDER`. The same sources give the same bytes.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { build } from 'esbuild';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const tsc = join(root, 'node_modules/typescript/bin/tsc');

const { name, version, license } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const banner = `/*! ${name} ${version} | ${license} */`;

/** What the declarations are made of, in this order: the modules that hold something public. */
const PUBLIC = ['error', 'types', 'callback', 'auth'];

const script = (entry, format, outfile) =>
  build({
    absWorkingDir: root,
    entryPoints: [`src/${entry}.ts`],
    outfile,
    bundle: true,
    minify: true,
    format,
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    // The sources are modules, which are strict: saying so again takes room.
    tsconfigRaw: { compilerOptions: { alwaysStrict: false, useDefineForClassFields: false } },
    banner: { js: banner },
    logLevel: 'warning',
  });

/** One file of declarations: modules may import it, scripts find the global `Postern`. */
async function declarations(outfile) {
  const folder = await mkdtemp(join(tmpdir(), 'postern-sdk-'));
  try {
    execFileSync(
      process.execPath,
      [tsc, '-p', root, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--outDir', folder],
      { stdio: 'inherit' },
    );
    const parts = [banner];
    for (const part of PUBLIC) {
      const text = await readFile(join(folder, `${part}.d.ts`), 'utf8');
      parts.push(text.replace(/^(import .*|export \{\};)\n/gm, '').trim());
    }
    parts.push('export as namespace Postern;');
    await writeFile(outfile, `${parts.join('\n\n')}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Builds into `folder`. */
export async function make(folder) {
  await mkdir(folder, { recursive: true });
  await script('index', 'esm', join(folder, 'postern.mjs'));
  await script('global', 'iife', join(folder, 'postern.global.js'));
  await declarations(join(folder, 'postern.d.ts'));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await make(resolve(process.argv[2] ?? join(root, 'dist')));
}
