// Stores of certificates (NSS), as Chromium and Firefox read them on Linux.

import { run } from './processes.mjs';

/** Makes an empty store that trusts the rig's servers. */
export async function newStore(folder, rig) {
  await run('certutil', ['-d', `sql:${folder}`, '-N', '--empty-password']);
  await run('certutil', ['-d', `sql:${folder}`, '-A', '-t', 'C,,', '-n', 'servers', '-i', rig.server_root]);
}

/** Puts somebody's certificate and key into it. */
export async function importCertificate(folder, rig, name) {
  await run('pk12util', ['-d', `sql:${folder}`, '-i', rig.pki(`${name}.p12`), '-W', rig.p12_password]);
}
