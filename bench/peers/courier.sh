#!/bin/sh
# Courier in a mount and process namespace of its own, over the system it finds: ROOT PORT NEXTHOP DATA MODE [SETUP].
# Its programs know their paths from the compiler, and its packages conflict with Postfix's; so nothing is installed.
# SETUP is a file of commands that change its configuration, in $etc; $before is run before it starts.
# Ends when its standard input does.
set -eu
root=$1 port=$2 nexthop=$3 data=$4 mode=$5 setup=${6:-}
before=:
mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/all /mnt/packages
cp -a "$root/." /mnt/packages
# /lib and its like are links on the system: a folder over one would hide all behind it.
for one in bin sbin lib; do
  [ -d /mnt/packages/$one ] || continue
  cp -a /mnt/packages/$one/. /mnt/packages/usr/$one/
  rm -rf /mnt/packages/$one
done
mount -t overlay overlay -o lowerdir=/mnt/packages:/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/all
cp -a "$root/var/lib/courier/." "$data"
mkdir -p /mnt/all/var/lib/courier
mount --bind "$data" /mnt/all/var/lib/courier
mount --rbind /dev /mnt/all/dev
mount -t proc proc /mnt/all/proc
mount -t tmpfs none /mnt/all/run
# In the overlay, not on the system.
grep -q '^courier:' /mnt/all/etc/passwd || echo 'courier:x:964:964::/var/lib/courier:/usr/sbin/nologin' >> /mnt/all/etc/passwd
grep -q '^courier:' /mnt/all/etc/group || echo 'courier:x:964:' >> /mnt/all/etc/group

etc=/mnt/all/etc/courier
echo courier.example > $etc/me
: > $etc/locals
echo ":[127.0.0.1],$nexthop" > $etc/esmtproutes
echo 41943040 > $etc/sizelimit
rm -rf $etc/smtpaccess/* $etc/aliases/*
printf '127\tallow,RELAYCLIENT\n' > $etc/smtpaccess/default
printf 'postmaster: root\n' > $etc/aliases/system
sed -i "s/^PORT=.*/PORT=$port/; s/^MAXDAEMONS=.*/MAXDAEMONS=100/; s/^MAXPERC=.*/MAXPERC=100/; s/^MAXPERIP=.*/MAXPERIP=100/; s/^BOFHCHECKDNS=.*/BOFHCHECKDNS=0/" $etc/esmtpd
echo ADDRESS=127.0.0.1 >> $etc/esmtpd
sed -i 's/^ESMTP_USE_STARTTLS=.*/ESMTP_USE_STARTTLS=0/' $etc/courierd
sed -i 's/^TCPDOPTS="/&-nodnslookup /' $etc/esmtpd
[ -z "$setup" ] || . "$setup"
cat > /mnt/all/run/begin <<SH
set -e
chown -R courier:courier /var/lib/courier /etc/courier/aliases /etc/courier/aliasdir
chmod 755 /var/lib/courier
chmod 750 /var/lib/courier/allfilters /var/lib/courier/filters /var/lib/courier/msgq /var/lib/courier/msgs /var/lib/courier/track
chmod 770 /var/lib/courier/tmp
chgrp courier /etc/courier /etc/courier/filters /etc/courier/filters/active 2>/dev/null || true
chown courier:courier /usr/lib/courier/courier/submitmkdir && chmod 4755 /usr/lib/courier/courier/submitmkdir
mkdir -p /run/courier && chown courier:courier /run/courier
$before
for one in makesmtpaccess makealiases makehosteddomains makeacceptmailfor; do /usr/sbin/\$one || /usr/lib/courier/\$one || true; done
[ $mode = accept ] || /usr/lib/courier/courierctl.start
/usr/lib/courier/esmtpd start
SH
chroot /mnt/all /bin/sh /run/begin >&2
exec cat > /dev/null
