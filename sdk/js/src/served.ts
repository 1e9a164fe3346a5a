// Which Postern served this script, if one did: the default issuer.

export const served = { issuer: '' };
