#!/bin/sh
# Prints build/posthorn, which starts main.js ($2) with this Node ($1).
set -eu
cat <<TEXT
#!/bin/sh
# glibc has memory of its own for each of our dozen threads, and what large mail was in stays there: 20 to 30 MiB.
export MALLOC_ARENA_MAX="\${MALLOC_ARENA_MAX:-2}"
exec "$1" "$2" "\$@"
TEXT
