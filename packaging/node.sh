#!/usr/bin/env bash
# Finds a Node new enough for Posthorn (package.json "engines"), or brings one with npm into .tools/.
#   packaging/node.sh --where    prints the folder of the node to use, empty when none is there yet
#   packaging/node.sh            makes sure that one is there
set -eu
cd "$(dirname "$0")/.."
least_major=24 least_minor=15
brought=.tools/node_modules/node/bin

new_enough() {
  local version major minor
  version=$("$1" --version 2>/dev/null) || return 1
  version=${version#v}; major=${version%%.*}; minor=${version#*.}; minor=${minor%%.*}
  [ "$major" -gt "$least_major" ] || { [ "$major" -eq "$least_major" ] && [ "$minor" -ge "$least_minor" ]; }
}

where() {
  local system
  if [ -x "$brought/node" ] && new_enough "$brought/node"; then printf '%s\n' "$PWD/$brought"; return; fi
  system=$(command -v node || true)
  if [ -n "$system" ] && new_enough "$system"; then dirname "$system"; fi
}

if [ "${1:-}" = --where ]; then where; exit 0; fi
[ -n "$(where)" ] && exit 0
if ! command -v npm >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo 'No npm here; installing Debian'"'"'s npm (needed once, to bring a newer Node)' >&2
    apt-get update -q >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q npm >&2
  else
    echo 'Posthorn needs npm (Debian, Ubuntu: sudo apt-get install npm), or Node 24.15 or newer.' >&2
    exit 1
  fi
fi
echo 'Bringing Node 24 into .tools (the system'"'"'s is older than 24.15 or absent)' >&2
npm install --silent --no-save --no-package-lock --prefix .tools node@24 >&2
[ -n "$(where)" ] || { echo 'npm did not bring a working Node 24 (package node@24): see the messages above.' >&2; exit 1; }
