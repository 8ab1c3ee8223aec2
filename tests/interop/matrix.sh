# SPDX-License-Identifier: ISC
# Many short runs in one machine: the settings that two IKEv1 daemons must agree on, every pair of their values in one of the runs;
# sourced by scenarios. With both sides, two peers and two data planes these are 38.

# matrix: Main or Aggressive Mode, secret or RSA signatures, the three suites of $PAIRS, PFS or none
matrix() {
    # shellcheck disable=SC2086 # a list of words
    set -- $PAIRS
    combine main psk "$1" pfs
    combine aggressive rsa "$1" nopfs
    combine main rsa "$2" nopfs
    combine aggressive psk "$2" pfs
    combine main rsa "$3" pfs
    combine aggressive psk "$3" nopfs
}

# combine MODE AUTH SUITE PFS: one run of both daemons with these settings
combine() {
    _run="$*" _cert=$CERT_ALL
    say "run: $_run"
    IKE=$3
    [ "$4" = pfs ] && ESP=$(esp_of "$3") || ESP=$(esp_of "${3%-*}")
    [ "$2" = rsa ] && CERT=$_cert || CERT=
    [ "$1" = aggressive ] && OURS="aggressive = yes" SWAN="    aggressive = yes" LIBRE="    aggressive=yes" || OURS= SWAN= LIBRE=
    [ "$4" = pfs ] && PFS=yes || PFS=no # Libreswan's own word for it
    start a && start b && up "$BEGINS" && both_ways || {
        bad "run '$_run' failed"
        for _n in a b; do tail -n 30 "$LOGS/$_n.log" "$LOGS/$_n.up" 2>/dev/null; on "$_n" cat /run/charon.log 2>/dev/null | tail -n 40; done
    }
    for _n in a b; do halt "$_n"; done
}

# esp_of SUITE: the algorithms of the child, where a data plane cannot do all of it
esp_of() { echo "$1"; }

# halt NODE: end its daemon, and leave nothing behind for the next run
halt() {
    if [ "$(kind "$1")" = ike ]; then
        stop_ike "$1"
        no_sas "$1" || bad "ikelibd on $1 left SAs behind: $(sas "$1")"
        return
    fi
    _pid=$(pid_of "$1")
    kill -TERM "$_pid"
    wait_for 20 not kill -0 "$_pid" || kill -9 "$_pid"
    wait "$_pid" 2>/dev/null
    on "$1" sh -c 'ip xfrm state flush; ip xfrm policy flush; rm -f /run/pluto/pluto.ctl /run/pluto/pluto.pid' 2>/dev/null
}
CERT_ALL=$CERT
