#!/usr/bin/env bash
# The programs that tests meet as peers: installed by apt-get where this is root, else only named.
set -eu
# program:package
peers='
smtp-source:postfix
smtp-sink:postfix
swaks:swaks
msmtp:msmtp
curl:curl
python3:python3
danted:dante-server
microsocks:microsocks
unbound:unbound
ldns-signzone:ldnsutils
maildrop:maildrop
strace:strace
uucico:uucp
chromium:chromium
logrotate:logrotate
socat:socat
sendfax:mgetty-fax
mgetty:mgetty
efax:efax
gs:ghostscript
pdftoppm:poppler-utils
pbmtog3:netpbm
tiffinfo:libtiff-tools
mutt:mutt
gsasl:gsasl
curl:curl
doveadm:dovecot-imapd
opendkim:opendkim
opendkim-genkey:opendkim-tools
dkimverify:python3-dkim
clamd:clamav-daemon
spamd:spamd
rspamd:rspamd
bsd-mailx:bsd-mailx
php:php-cli
setpriv:util-linux
'
missing='' packages=''
for pair in $peers; do
  program=${pair%%:*}
  PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null || { missing="$missing $program"; packages="$packages ${pair##*:}"; }
done
# A module without a program.
if ! /usr/bin/python3 -c 'import spf' 2>/dev/null; then missing="$missing pyspf"; packages="$packages python3-spf"; fi
# courier-filter-perl wants all of Courier beside it: it is only unpacked, where a test looks for it.
if command -v perl >/dev/null && ! perl -MError -e1 2>/dev/null; then missing="$missing Error.pm"; packages="$packages liberror-perl"; fi
unpacked="$(cd "$(dirname "$0")/.." && pwd)/build/peers/courier-filter-perl"
if [ ! -e "$unpacked" ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
  work=$(mktemp -d)
  (cd "$work" && apt-get download -q courier-filter-perl >/dev/null 2>&1 && dpkg-deb -x courier-filter-perl_*.deb tree && mkdir -p "${unpacked%/*}" && mv tree "$unpacked") || true
  rm -rf "$work"
fi
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing peers for the tests:$(printf '%s\n' $packages | sort -u | tr '\n' ' ' | sed 's/^/ /')"
  # A package's own service must not start for a test: policy-rc.d says no while this runs.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy
    trap 'rm -f $policy' EXIT
  fi
  log=$(mktemp)
  apt-get update -q >"$log" 2>&1 || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(printf '%s\n' $packages | sort -u) >>"$log" 2>&1 || {
    echo 'Some could not be installed; the tests that need them say so by name. The end of apt-get'"'"'s words:'
    tail -n 3 "$log"
  }
else
  echo "Not here, and not root to install them:$missing. The tests that need them say so by name."
fi
