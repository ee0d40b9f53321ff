#!/bin/bash
# A whole handshake of TLS 1.0 or 1.1 succeeds. PORT version=tls10|tls11
case $1 in *465) tls= ;; *) tls="-starttls smtp" ;; esac
case $2 in version=tls10) version=-tls1 name=TLSv1 ;; version=tls11) version=-tls1_1 name=TLSv1.1 ;; *) exit 1 ;; esac
# shellcheck disable=SC2086  # two words or none
openssl s_client -connect "$INTEROP_ADDRESS:$1" $tls $version -cipher ALL:@SECLEVEL=0 </dev/null 2>&1 |
    grep -E "^ *Protocol *: $name\$"
