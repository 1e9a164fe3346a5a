#!/bin/bash
# Signs somebody of the demonstration in with curl and a certificate, showing each step, as a browser would take it, and
# where Jaeger has the trace.
#
#     deploy/demo/sign-in.sh [NAME] [FOLDER]
#
# FOLDER is what `docker compose cp set-up:/volumes/people/. FOLDER` made.
set -euo pipefail
name=${1:-jon}
people=${2:-postern-people}
if [ ! -r "$people/$name.key" ]; then
  echo "$people/$name.key is missing: docker compose cp set-up:/volumes/people/. $people" >&2
  exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

header() { tr -d '\r' <"$work/head" | sed -n "s/^$1: *//Ip" | tail -n 1; }

next='https://app.localhost:8445/signin?connection=FabrikamAD'
trace=
for step in 1 2 3 4 5 6 7 8; do
  [ -n "$next" ] || break
  page=$next
  measured=$(curl --silent --show-error --cacert "$people/server-root.pem" --cert "$people/$name.pem" --key "$people/$name.key" \
    --cookie "$work/cookies" --cookie-jar "$work/cookies" --dump-header "$work/head" --output "$work/page" \
    --write-out '%{http_code} %{time_total} %{redirect_url}' "$page")
  read -r status seconds next <<<"$measured"
  # What a browser follows by itself: Location, or the address of a Refresh.
  [ -n "$next" ] || next=$(header refresh | sed -n 's/^[^;]*; *url=//p')
  # The id of the sign-in, which every page of Postern's carries; the application's pages have none.
  trace=${trace:-$(header x-request-id)}
  printf '%s  %s ms  %s\n' "$status" "$(awk "BEGIN { printf \"%6.1f\", $seconds * 1000 }")" "${page%%\?*}"
done

printf '\n'
# The words of the last page.
sed -e '/<head>/,/<\/head>/d' -e 's/<[^>]*>/ /g' "$work/page" | tr -s ' \n' | sed 's/^ *//; /^$/d'
printf '\ntrace: http://127.0.0.1:16686/trace/%s\n' "$trace"
grep -q '<h1>Signed in</h1>' "$work/page"
