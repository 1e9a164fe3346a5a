#!/bin/bash
# Makes every key, certificate and password of the demonstration, each once, and gives each container's volume only
# what that container needs. The steps are those of docs/set-up.md. A run that was cut off is completed by the next;
# after a complete one nothing is made any more.
#
# Runs as an ordinary user, without a network. The folders are volumes: see docker-compose.yml.
set -euo pipefail
umask 077
volumes=${1:-/volumes}
# The set-up's own: the keys of the authorities, and one copy of everything.
own=$volumes/set-up
here=$(dirname "$0")

# once FILE COMMAND…: runs the command, whose output is the file's content, unless the file is there already.
once() {
  local file=$1
  shift
  [ -s "$file" ] && return
  "$@" >"$file.new"
  mv "$file.new" "$file"
}

password() { printf 'Aa1-%s' "$(openssl rand -hex 16)"; }

# given VOLUME FOLDER MODE FILE…: copies files into a folder of a volume.
given() {
  local folder=$volumes/$1/$2 mode=$3 file
  shift 3
  [ -d "$folder" ] || mkdir -m 0700 "$folder"
  for file in "$@"; do install -m "$mode" "$file" "$folder/"; done
}

authority() { # NAME SUBJECT [EXTENSION]: a root for as long as this script runs
  local constraint=()
  [ $# -lt 3 ] || constraint=(-addext "$3")
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "$2" \
    -addext 'basicConstraints = critical, CA:TRUE, pathlen:0' -addext 'keyUsage = critical, keyCertSign, cRLSign' \
    "${constraint[@]}" -keyout "$forgotten/$1.key" -out "$own/tls/$1.pem" 2>/dev/null
}

server() { # AUTHORITY NAME KEY-TYPE HOSTS: a certificate for host names, as "DNS:a,IP:b"
  local request=$forgotten/$2.csr key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
  # As domain controllers have it.
  [ "$3" = rsa ] && key=(-newkey rsa:2048)
  local first=${4%%,*}
  openssl req -new "${key[@]}" -nodes -subj "/CN=${first#*:}" -keyout "$own/tls/$2.key" -out "$request" 2>/dev/null
  openssl x509 -req -in "$request" -CA "$own/tls/$1.pem" -CAkey "$forgotten/$1.key" -days 365 -out "$own/tls/$2.pem" \
    -extfile <(printf '%s\n' "subjectAltName = $4" 'basicConstraints = critical, CA:FALSE' \
      'keyUsage = critical, digitalSignature' 'extendedKeyUsage = serverAuth' \
      'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid') 2>/dev/null
}

# The keys of these two roots are used here and then forgotten: nobody can issue from them later. The first is good
# for names of this machine only, so that trusting it in a browser is harmless.
server_certificates() {
  local forgotten
  forgotten=$(mktemp -d)
  mkdir -p "$own/tls"
  authority server-root '/CN=Postern demo server root (loopback only)' \
    'nameConstraints = critical, permitted;DNS:localhost, permitted;IP:127.0.0.0/255.0.0.0'
  server server-root login ec DNS:login.localhost
  # A certificate of its own: browsers reuse connections between the hosts of one.
  server server-root cert ec DNS:cert.localhost,DNS:*.cert.localhost
  server server-root app ec DNS:app.localhost
  server server-root admin ec DNS:localhost,IP:127.0.0.1
  authority directory-root '/CN=Fabrikam directory root'
  # In Kubernetes it is the Service dc1 of the namespace fabrikam.
  server directory-root dc1 rsa DNS:dc1.fabrikam.test,DNS:dc1.fabrikam
  rm -rf "$forgotten"
  touch "$own/tls/complete"
}

make() {
  local name role
  postern pki init --dir "$own" >/dev/null
  for name in jon jane eve; do
    [ -s "$own/people/$name.p12" ] || postern pki user "$name" --dir "$own/people" >/dev/null
  done
  [ -e "$own/tls/complete" ] || server_certificates
  mkdir -p "$own/passwords"
  for name in jon jane eve postern-svc administrator bus-gateway bus-certval bus-directory bus-control application; do
    once "$own/passwords/$name" password
  done
  for role in gateway certval directory control; do
    printf 'POSTERN_NATS_%s_PASSWORD=\\"%s\\"\n' "${role^^}" "$(cat "$own/passwords/bus-$role")"
  done >"$own/nats.env"
}

# What docs/set-up.md says each role needs.
hand_out() {
  local role
  for role in gateway certval directory control; do
    given "$role" mesh 0600 "$own/mesh/$role.key"
    given "$role" mesh 0644 "$own/mesh/mesh-ca.pem" "$own/mesh/$role.pem"
    given "$role" keys 0644 "$own/keys/snapshot.pub"
    given "$role" secrets 0600
    install -m 0600 "$own/passwords/bus-$role" "$volumes/$role/secrets/bus-password"
  done
  given gateway keys 0600 "$own/keys/gateway.seal"
  given directory keys 0600 "$own/keys/directory.seal"
  given control keys 0600 "$own/keys/snapshot.key" "$own/keys/gateway.seal" "$own/keys/directory.seal"
  given control secrets 0600 "$own/tls/login.key" "$own/tls/cert.key" "$own/tls/admin.key"
  install -m 0600 "$own/passwords/application" "$volumes/control/secrets/demo-application"
  install -m 0600 "$own/passwords/postern-svc" "$volumes/control/secrets/bind-password"
  given control . 0644 "$own/tls/login.pem" "$own/tls/cert.pem" "$own/tls/admin.pem" "$own/tls/directory-root.pem" \
    "$own/tls/server-root.pem" "$own/people/fabrikam-root.pem" "$here/initial.toml"

  given nats . 0600 "$own/mesh/nats.key" "$own/nats.env"
  given nats . 0644 "$own/mesh/nats.pem"

  given sample . 0644 "$own/tls/app.pem" "$own/tls/server-root.pem"
  given sample secrets 0600 "$own/tls/app.key"
  install -m 0600 "$own/passwords/application" "$volumes/sample/secrets/client-secret"

  # Root in the demonstration's directory reads these by their group: it has no right to pass over permissions.
  given active-directory . 0640 "$own/tls/dc1.key" "$own/tls/dc1.pem" "$own/tls/directory-root.pem"
  for name in jon jane eve postern-svc administrator; do
    install -m 0640 "$own/passwords/$name" "$volumes/active-directory/password-$name"
  done

  # What a person needs who tries it out; `docker compose cp` brings it to the machine.
  given people . 0600 "$own"/people/{jon,jane,eve}.{p12,legacy.p12,pem,key} "$own/people/p12-password"
  given people . 0644 "$own/tls/server-root.pem"
  for name in jon jane eve; do
    install -m 0600 "$own/passwords/$name" "$volumes/people/$name.password"
  done
}

if [ -e "$own/complete" ]; then
  echo 'set-up: everything is there already; nothing was changed'
  exit 0
fi
make
hand_out
touch "$own/complete"
echo 'set-up: keys, certificates and passwords made, each in the volume of the container that needs it'
