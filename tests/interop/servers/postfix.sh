#!/bin/bash
# Postfix of Debian 12, as an "Internet Site" with Debian's own submission and submissions services on 587 and 465, and the
# same again on 2587 and 2465. Not Debian's defaults: a certificate; logins by Cyrus SASL; `mynetworks` is empty, so that a
# client on loopback is a stranger; bad@example.test is refused. Mail for @example.test: upper/var/mail/vhosts/catchall.
# POSTFIX_EXTRA="name=value ...": further settings.
. "$(dirname "$0")/common.sh"

start_postfix() {
    "$here/chroot.sh" postfix postfix libsasl2-modules sasl2-bin >"$folder/logs/build.log" 2>&1 ||
        { tail -n 20 "$folder/logs/build.log" >&2; return 1; }
    export POSTFIX_EXTRA=${POSTFIX_EXTRA:-}
    cat >"$folder/start" <<'S'
set -eu
service() {  # service PORT OPTION...: what master.cf of Debian says for submission and submissions
    local port=$1 option
    shift
    echo "$ADDRESS:$port inet n - y - - smtpd"
    for option in syslog_name=postfix/$port "$@" smtpd_sasl_auth_enable=yes smtpd_reject_unlisted_recipient=no \
        "smtpd_recipient_restrictions=" smtpd_relay_restrictions=permit_sasl_authenticated,reject \
        milter_macro_daemon_name=ORIGINATING; do
        echo "  -o $option"
    done
}
postconf -e inet_interfaces=127.0.0.1 inet_protocols=ipv4 myhostname=mail.test "mydestination=mail.test, localhost" \
    mynetworks= smtpd_tls_cert_file=/pki/server-chain.crt smtpd_tls_key_file=/pki/server.key \
    smtpd_tls_security_level=may smtpd_sasl_auth_enable=yes smtpd_tls_auth_only=yes smtpd_sasl_path=smtpd \
    virtual_mailbox_domains=example.test virtual_mailbox_base=/var/mail/vhosts virtual_mailbox_maps=static:catchall/ \
    virtual_uid_maps=static:5000 virtual_gid_maps=static:5000 default_transport=discard: relay_transport=discard: \
    $POSTFIX_EXTRA
# the services below set restrictions of recipients and of relaying of their own, but none of senders
echo 'bad@example.test 550 5.1.1 no such mailbox' >/etc/postfix/refused
postconf -e smtpd_sender_restrictions='check_recipient_access texthash:/etc/postfix/refused'
useradd --uid 5000 --no-create-home vmail
mkdir -p /var/mail/vhosts /etc/postfix/sasl /var/spool/postfix/etc /var/spool/postfix/dev
chown vmail:vmail /var/mail/vhosts
cat >/etc/postfix/sasl/smtpd.conf <<E
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256
E
echo "$MAIL_PASSWORD" | saslpasswd2 -p -c -u mail.test "$MAIL_USER"
install -o postfix -m 600 /etc/sasldb2 /var/spool/postfix/etc/sasldb2
# inet_interfaces knows only addresses that lo carries: the address is written into master.cf
sed -i "s/^smtp      inet/$ADDRESS:smtp inet/" /etc/postfix/master.cf
{
    service 587 smtpd_tls_security_level=encrypt smtpd_tls_auth_only=yes
    service 2587 smtpd_tls_security_level=encrypt smtpd_tls_auth_only=yes
    service 465 smtpd_tls_wrappermode=yes
    service 2465 smtpd_tls_wrappermode=yes
} >>/etc/postfix/master.cf
newaliases
postfix start
exec sleep infinity
S
    start_in_chroot postfix "$folder/start"
}

launcher start_postfix
