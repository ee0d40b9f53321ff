#!/bin/bash
# A blank before the base64 answer to 334 is passed over, and the login succeeds. PORT form=blank-before
port=$1
case $port in *465) tls= ;; *) tls="-starttls smtp" ;; esac
answer=$(printf '\0resend\0%s' "$INTEROP_PASSWORD" | base64 -w 0)
coproc PEER { openssl s_client -quiet -connect "$INTEROP_ADDRESS:$port" $tls 2>&1; }

reply() {  # reply: reads to the end of one reply, and shows its code
    local line
    while read -r -t 20 -u "${PEER[0]}" line; do
        printf '%s\n' "$line" >&2
        [[ $line =~ ^[0-9]{3}\  ]] && { printf '%s\n' "${line:0:3}"; return; }
    done
}

ask() { printf '%s\r\n' "$1" >&"${PEER[1]}"; reply; }

reply >/dev/null  # the greeting, or the end of the EHLO reply that s_client shows after STARTTLS
ask 'EHLO client.test' >/dev/null
[ "$(ask 'AUTH PLAIN')" = 334 ] && [ "$(ask " $answer")" = 235 ]
shown=$?
ask QUIT >/dev/null
exit $shown
