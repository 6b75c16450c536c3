# The office that test/peers/courier-replies.test.ts asks both servers about; read by bench/peers/courier.sh.
echo mx.here.example > $etc/me
echo here.example > $etc/defaultdomain
echo here.example > $etc/locals
printf 'here.example\naccepted.example\n' > $etc/esmtpacceptmailfor
rm -rf $etc/esmtpacceptmailfor.dir
mkdir $etc/esmtpacceptmailfor.dir
cp $etc/esmtpacceptmailfor $etc/esmtpacceptmailfor.dir/default
echo 150000 > $etc/sizelimit
printf '127.0.0.2\tallow,RELAYCLIENT\n127.0.0.3\tdeny\n127.0.0.4\tallow,BLOCK="Not you"\n' > $etc/smtpaccess/default
printf 'badfrom @bad.example\nmaxrcpts 5\n' > $etc/bofh
printf 'postmaster: ada\nteam: ada, bob\nsupport: ada\n' > $etc/aliases/system
sed -i "s/^TARPIT=.*/TARPIT=0/; s/^BOFHNOEXPN=.*//; s/^BOFHNOVRFY=.*//; s/^ESMTPAUTH=.*/ESMTPAUTH=\"PLAIN LOGIN CRAM-MD5\"/; s/^TLS_TRUSTCERTS=.*//; s/^TLS_DHPARAMS=.*//" $etc/esmtpd
sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb"/' $etc/authdaemonrc
cp "${setup%/*}/esmtpd.pem" $etc/esmtpd.pem
before='
chown courier:courier /etc/courier/esmtpd.pem /etc/courier/bofh
chmod 600 /etc/courier/esmtpd.pem
for one in ada bob; do
  mkdir -p /srv/$one && cp -r /var/empty-none /srv/$one/ 2>/dev/null || true
  maildirmake.courier /srv/$one/Maildir
  chown -R nobody:nogroup /srv/$one
  userdb $one set uid=65534 gid=65534 home=/srv/$one
  echo secret | userdbpw -md5 | userdb $one set systempw
  echo secret | userdbpw -hmac-md5 | userdb $one set hmac-md5pw
done
chmod 700 /etc/courier/userdb
makeuserdb
mkdir -p /run/courier/authdaemon
/usr/sbin/authdaemond start
'
