#!/usr/bin/env bash
# `make run`: a gateway to try. Configuration, queue and mailboxes below var/, which git ignores.
set -eu
cd "$(dirname "$0")/.."
[ -d var/etc ] || build/posthorn init var/etc --embedded
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
cat <<TEXT

${bold}Posthorn is starting${plain}: ESMTP on 127.0.0.1:2525, submission on 2587, configuration in var/etc.
From another terminal, in this folder:

  ${bold}Send a first mail:${plain}
    printf 'Subject: first mail\n\nHello.\n' | build/posthorn --config var/etc sendmail -f me@trial.test you@trial.test failed@trial.test
  ${bold}See where it went${plain}, and the report about failed@, which came back to me@:
    build/posthorn trace --config var/etc
    build/posthorn inbox me --config var/etc

  More fates at trial.test: deferred@ once@ slow@ 451@ 550@. The queue: build/posthorn mailq --why --config var/etc
  ${bold}Watch it${plain} in a browser: http://127.0.0.1:2580/   Stop: Ctrl-C

TEXT
exec build/posthorn start --config var/etc
