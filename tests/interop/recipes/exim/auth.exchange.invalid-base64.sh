#!/bin/bash
# A blank before the base64 answer to 334 is passed over, and the login succeeds. PORT form=blank-before
port=$1
case $port in *465) tls= ;; *) tls="-starttls smtp" ;; esac
answer=$(printf '\0resend\0%s' "$INTEROP_PASSWORD" | base64 -w 0)
{
    for line in 'EHLO client.test' 'AUTH PLAIN' " $answer" 'QUIT'; do
        sleep 0.7
        printf '%s\r\n' "$line"
    done
    sleep 0.7
} | openssl s_client -quiet -connect "$INTEROP_ADDRESS:$port" $tls 2>&1 | tee /dev/stderr | grep -q '^235 '
