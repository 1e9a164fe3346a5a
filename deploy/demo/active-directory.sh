#!/bin/bash
# The demonstration's Active Directory: Samba's domain controller for FABRIKAM.TEST with jon, jane and eve (disabled).
# For trying out only. Makes the domain at the first start; it stays in its volume.
set -euo pipefail
umask 077
given=/given
domain=/domain/fabrikam

# samba-tool with the domain's settings.
tool() { samba-tool "$@" --configfile="$domain/etc/smb.conf" >/dev/null; }

person() { # NAME GIVEN-NAME SURNAME
  tool user create "$1" "$(cat "$given/password-$1")" --given-name="$2" --surname="$3" \
    --mail-address="$1@fabrikam.test"
  tool user setexpiry "$1" --noexpiry
}

settings() {
  cat <<SETTINGS
[global]
  netbios name = DC1
  realm = FABRIKAM.TEST
  workgroup = FABRIKAM
  server role = active directory domain controller
  # Nothing but the directory.
  server services = ldap
  # Every bind over TLS.
  ldap server require strong auth = yes
  # File permissions in a table, for storing them beside the files would need more rights.
  vfs objects = dfs_samba4 acl_xattr xattr_tdb
  xattr_tdb:file = $domain/xattr.tdb
  private dir = $domain/private
  state directory = $domain/state
  cache directory = $domain/cache
  lock directory = $domain
  pid directory = /run
  ncalrpc dir = /run/ncalrpc
  log level = 1
  tls enabled = yes
  tls certfile = $domain/private/tls/dc1.pem
  tls keyfile = $domain/private/tls/dc1.key
  tls cafile = $domain/private/tls/directory-root.pem

[sysvol]
  path = $domain/state/sysvol
SETTINGS
}

make_domain() {
  local made
  rm -rf "$domain"
  if ! made=$(samba-tool domain provision --realm=FABRIKAM.TEST --domain=FABRIKAM --server-role=dc --host-name=dc1 \
    --dns-backend=NONE --use-rfc2307 --adminpass="$(cat "$given/password-administrator")" --targetdir="$domain" \
    --option='vfs objects = dfs_samba4 acl_xattr xattr_tdb' --option="xattr_tdb:file = $domain/xattr.tdb" 2>&1); then
    printf '%s\n' "$made" >&2
    echo 'active-directory: the domain could not be made' >&2
    exit 1
  fi
  mkdir -p "$domain/private/tls"
  install -m 0600 "$given/dc1.key" "$given/dc1.pem" "$given/directory-root.pem" "$domain/private/tls/"
  settings >"$domain/etc/smb.conf"
  person jon Jon Snow
  person jane Jane Doe
  person eve Eve Moneypenny
  tool user disable eve
  # Looks people up; an ordinary account may.
  tool user create postern-svc "$(cat "$given/password-postern-svc")"
  tool user setexpiry postern-svc --noexpiry
  tool group add Staff
  tool group add Employees
  tool group addmembers Staff jon
  tool group addmembers Employees Staff,jane,eve
  touch "$domain/complete"
}

[ -e "$domain/complete" ] || make_domain
echo 'active-directory: the domain FABRIKAM.TEST is there; starting its controller'
exec samba --interactive --no-process-group --configfile="$domain/etc/smb.conf"
