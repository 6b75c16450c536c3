#!/usr/bin/env bash
# The mail servers that the bench meets beside Postfix, below .peers/ and nowhere else: Haraka by npm, and what Debian
# packages conflict with Postfix unpacked. What cannot be had is named, and the bench goes on without it. With names
# (haraka, courier, exim), these only.
set -u
cd "$(dirname "$0")/.."
mkdir -p .peers
names=" ${*:-haraka courier exim} "
wanted() { case $names in *" $1 "*) return 0 ;; esac; return 1; }
if wanted haraka && [ ! -x .peers/haraka/node_modules/Haraka/bin/haraka ]; then
  mkdir -p .peers/haraka
  # Some of what Haraka asks for is not in every registry; these stand in (they decode attachments, which the bench has none of).
  cat > .peers/haraka/package.json <<'JSON'
{"private":true,"dependencies":{"Haraka":"3.3.4"},"overrides":{"encoding-japanese":"2.2.0","libqp":"2.1.1","libmime":"5.3.7","libbase64":"1.3.0","@zone-eu/mailsplit":"5.4.19"}}
JSON
  (cd .peers/haraka && npm install --no-audit --no-fund --omit=dev >install.log 2>&1) || echo 'Haraka could not be installed; .peers/haraka/install.log says why.'
fi
if wanted courier && [ ! -x .peers/courier/root/usr/sbin/courieresmtpd ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    mkdir -p .peers/courier/packages .peers/courier/root
    (cd .peers/courier/packages && apt-get download -q courier-mta courier-base courier-authlib courier-authdaemon courier-authlib-userdb libcourier-unicode4 >../install.log 2>&1 &&
      for one in *.deb; do dpkg-deb -x "$one" ../root; done) || echo 'Courier could not be unpacked; .peers/courier/install.log says why.'
  else
    echo 'Courier is unpacked by root, with apt-get.'
  fi
fi
if wanted exim && [ ! -x .peers/exim/usr/sbin/exim4 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    mkdir -p .peers/exim/packages
    (cd .peers/exim/packages && apt-get download -q exim4-daemon-light exim4-base >../install.log 2>&1 && for one in *.deb; do dpkg-deb -x "$one" ..; done) || echo 'Exim could not be unpacked; .peers/exim/install.log says why.'
    id Debian-exim >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin Debian-exim
  else
    echo 'Exim is unpacked by root, with apt-get.'
  fi
fi
exit 0
