# Sourced by the launchers.  LAUNCHER start|stop|status ADDRESS FOLDER
#   ADDRESS  of loopback, for instance 127.20.0.1; the server listens there on 25, 587, 2587 (STARTTLS), 465 and 2465 (TLS)
#   FOLDER   holds all state: pki/ca.crt, logs/, pid, and upper/, what the server has written (upper/var/mail: its mail)
# The server runs in a chroot under an overlay, in its own mount, pid and host name namespaces. Nothing leaves the machine:
# there is no DNS, and mail for foreign domains is discarded. User resend, password re_test_key.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CHROOTS=${XDG_CACHE_HOME:-$HOME/.cache}/smtpspec-interop
action=${1:?start, stop or status}
export ADDRESS=${2:?address of loopback} MAIL_USER=resend MAIL_PASSWORD=re_test_key
folder=${3:?folder for the state}
case $ADDRESS in 127.*) ;; *) echo "$ADDRESS is not a loopback address" >&2; exit 2 ;; esac
ports="25 587 2587 465 2465"
mkdir -p "$folder/logs" "$folder/pki"
folder=$(cd "$folder" && pwd)

alive() { [ -s "$folder/pid" ] && kill -0 "$(cat "$folder/pid")" 2>/dev/null; }
port_open() { (exec 3<>"/dev/tcp/$ADDRESS/$1") 2>/dev/null; }

wait_for_ports() {
    local port left=150
    for port in $ports; do
        until port_open "$port"; do
            alive && [ $((left -= 1)) -gt 0 ] || { echo "port $port does not open; see $folder/logs" >&2; tail -n 20 "$folder/logs/run.log" >&2; return 1; }
            sleep 0.2  # between looks: a server tells nobody that it listens
        done
    done
}

# A certificate for mail.test and ADDRESS, from a CA made for this run.
make_certificates() {
    [ ! -s "$folder/pki/server.crt" ] || return 0
    cd "$folder/pki"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=interop test CA" -keyout ca.key -out ca.crt \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
    openssl req -new -newkey rsa:2048 -nodes -subj "/CN=mail.test" -keyout server.key -out server.csr 2>/dev/null
    printf '%s\n' "subjectAltName=DNS:mail.test,IP:$ADDRESS" "basicConstraints=CA:FALSE" \
        "keyUsage=digitalSignature,keyEncipherment" "extendedKeyUsage=serverAuth" >extensions
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial "0x$(openssl rand -hex 8)" -days 30 \
        -extfile extensions -out server.crt 2>/dev/null
    cat server.crt ca.crt >server-chain.crt
    cd - >/dev/null
}

# start_in_chroot NAME SCRIPT: runs SCRIPT inside the chroot NAME, as init of its own namespaces, and notes its pid.
start_in_chroot() {
    local root=$folder/root
    rm -rf --one-file-system "$folder/upper" "$folder/work"  # each start is the first one
    mkdir -p "$folder/upper" "$folder/work" "$root"
    cat >"$folder/namespace.sh" <<S
set -eu
mount --make-rprivate /
mount -t overlay overlay -o lowerdir=$CHROOTS/$1,upperdir=$folder/upper,workdir=$folder/work $root
mount -t proc proc $root/proc
mkdir -p $root/pki $root/logs
mount --bind $folder/pki $root/pki
mount --bind $folder/logs $root/logs
echo 'nameserver 127.0.0.1' >$root/etc/resolv.conf
printf '127.0.0.1 localhost\n%s mail.test mail\n' $ADDRESS >$root/etc/hosts
hostname mail.test
python3 $here/syslog.py $root/dev/log $folder/logs/syslog &
until [ -S $root/dev/log ]; do sleep 0.05; done
cp $2 $root/start-server
chroot $root /bin/bash /start-server  # no exec: exim is setuid, and would no longer die with its parent
S
    setsid unshare --mount --pid --uts --fork --kill-child bash "$folder/namespace.sh" </dev/null >>"$folder/logs/run.log" 2>&1 &
    echo $! >"$folder/pid"
}

# The pid is that of unshare, whose death kills the init of the namespace and so everything in it.
stop_server() {
    local left=50
    if alive; then kill -KILL "$(cat "$folder/pid")"; fi
    while { alive || port_open 25; } && [ $((left -= 1)) -gt 0 ]; do sleep 0.1; done  # kill does not wait for who is not our child
    rm -f "$folder/pid"
}

launcher() {  # launcher START_FUNCTION
    case $action in
        start)
            ! port_open 25 || { echo "something listens on $ADDRESS port 25 already" >&2; exit 1; }
            make_certificates && "$1" && wait_for_ports
            ;;
        stop) stop_server ;;
        status) alive && echo running || { echo "not running"; exit 3; } ;;
        *) echo "start, stop or status?" >&2; exit 2 ;;
    esac
}
