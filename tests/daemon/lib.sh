# SPDX-License-Identifier: ISC
# Two hosts in network namespaces of their own, for the tests of ikelibd; sourced by the scripts of this folder.
#
#   a 10.66.0.1 ---- 10.66.0.2 b;  10.66.1.1 and 10.66.2.1 are inner addresses
#
# Everything is in namespaces that the script makes for itself, so nothing of the machine is touched and nothing is left.
# An ordinary user needs user namespaces; where the machine forbids them the test is skipped (status 77).
BUILD=${IKE_BUILD:-$(cd "$(dirname "$0")/../.." && pwd)/build/release}
IKELIBD=$BUILD/daemon/ikelibd
IKELIBCTL=$BUILD/daemon/ikelibctl

skip() {
    echo "SKIPPED $(basename "$0"): $*"
    [ -z "$CI" ] || exit 1
    exit 77
}

if [ -z "$DAEMON_TEST_INSIDE" ]; then
    for f in "$IKELIBD" "$IKELIBCTL"; do [ -x "$f" ] || skip "$f is not built"; done
    user=
    [ "$(id -u)" = 0 ] || user=-Ur
    # shellcheck disable=SC2086 # an option or nothing
    unshare $user -nm --propagation private true 2>/dev/null || skip "this machine lets no network namespace be made"
    DAEMON_TEST_INSIDE=1
    export DAEMON_TEST_INSIDE
    # shellcheck disable=SC2086
    exec unshare $user -nm --propagation private "$0" "$@"
fi

T=$(mktemp -d) || exit 1
PIDS=
FAILED=0
clean() {
    for p in $PIDS; do kill -9 "$p" 2>/dev/null; done
    wait 2>/dev/null
    if [ "$FAILED" != 0 ]; then
        for f in "$T"/*.conf "$T"/*.log; do
            [ -s "$f" ] && echo "=== $(basename "$f")" && tail -n 60 "$f"
        done
    fi
    rm -rf "$T"
}
trap clean EXIT
trap 'exit 1' INT TERM

ok() { echo "ok   $*"; }
bad() { echo "FAIL $*"; FAILED=1; }
finish() { [ "$FAILED" = 0 ] && echo "passed"; exit "$FAILED"; }
wait_for() {
    _end=$(($(date +%s) + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -le "$_end" ] || return 1
        sleep 0.1
    done
}
not() { ! "$@"; }
# build OPTION: what the build tree was configured with
build() { sed -n "s/^$1:[A-Z]*=//p" "$BUILD/CMakeCache.txt"; }
# has WHAT FILE PATTERN...: the file holds each (extended) pattern
has() {
    _what=$1 _file=$2
    shift 2
    for _p; do
        if grep -Eqi -- "$_p" "$_file"; then
            ok "$_what: $(grep -Eim1 -- "$_p" "$_file" | sed 's/^ *//' | cut -c1-120)"
        else
            bad "$_what: no /$_p/ in:"
            sed 's/^/     /' "$_file"
        fi
    done
}
# lacks WHAT FILE PATTERN: it does not hold the pattern
lacks() {
    if grep -Eqi -- "$3" "$2"; then bad "$1: says $(grep -Eim1 -- "$3" "$2")"; else ok "$1: nothing of /$3/"; fi
}

# --- hosts -----------------------------------------------------------------
mount -t tmpfs -o mode=755 run /run
for h in a b; do ip netns add $h; done
ip link add eth0 netns a type veth peer name eth0 netns b
for h in a b; do
    n=1
    [ $h = a ] || n=2
    ip -n $h link set lo up
    ip -n $h addr add 10.66.0.$n/24 dev eth0
    ip -n $h link set eth0 up
    ip -n $h addr add 10.66.$n.1/32 dev lo
done
on() { _h=$1; shift; nsenter --net=/run/netns/$_h -- "$@"; }

# --- ikelibd ---------------------------------------------------------------
# conf HOST [LINES]: the usual connection, then LINES, which may replace lines of it: a tag given twice counts once, the last
conf() {
    _me=1 _you=2 _id=b
    [ "$1" = a ] || { _me=2 _you=1 _id=a; }
    {
        printf '[daemon]\nbackend = %s\nsocket = %s\n%s\n' "${BACKEND:-none}" "$T/$1.vici" "$DAEMON"
        printf '[connection peer]\n'
        {
            printf 'local = 10.66.0.%s\nremote = 10.66.0.%s\nsecret = a test secret\n' $_me $_you
            printf 'local-id = %s.ike.test\nremote-id = %s.ike.test\n' "$1" $_id
            printf 'local-net = 10.66.%s.0/24\nremote-net = 10.66.%s.0/24\n%s\n' $_me $_you "$2"
        } | awk -F ' *= *' 'NF > 1 { if (!($1 in line)) order[++n] = $1; line[$1] = $0 } END { for (i = 1; i <= n; i++) print line[order[i]] }'
    } >"$T/$1.conf"
    chmod 600 "$T/$1.conf"
}
# begin HOST [OPTION...]
begin() {
    _h=$1
    shift
    # not by on: $! is to be the daemon
    nsenter --net="/run/netns/$_h" -- "$IKELIBD" --config "$T/$_h.conf" "$@" >>"$T/$_h.log" 2>&1 &
    eval "PID_$_h=$!"
    PIDS="$PIDS $!"
    wait_for 10 ctl "$_h" status || { bad "ikelibd on $_h does not answer"; exit 1; }
}
end() {
    eval "_p=\$PID_$1"
    [ -n "$_p" ] || return 0
    kill -TERM "$_p" 2>/dev/null
    wait_for 10 not kill -0 "$_p" || { bad "ikelibd on $1 did not end on SIGTERM"; kill -9 "$_p"; }
    wait "$_p" 2>/dev/null
    eval "PID_$1="
}
ctl() { _h=$1; shift; on "$_h" "$IKELIBCTL" --socket "$T/$_h.vici" "$@"; }
