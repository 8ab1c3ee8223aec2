#!/bin/sh
# SPDX-License-Identifier: ISC
# Each command of the control socket against strongSwan's description of the protocol: fields.py is the client, and has the tables.
. "$(dirname "$0")/lib.sh"
HERE=$(dirname "$0")
asks() { # asks WHAT
    python3 "$HERE/fields.py" "$T/a.vici" "$1" >"$T/out" 2>&1
    _rc=$?
    cat "$T/out"
    [ $_rc = 0 ] || FAILED=1
}


versions=ikev2
[ "$(build IKE_V1)" = OFF ] && echo "left out: IKEv1 is not in this build" || versions="ikev2 ikev1"
for v in $versions; do
    echo "--- $v"
    conf a "version = $v"; conf b "version = $v"
    begin a; begin b
    case $v in ikev1) asks v1 ;; *) asks up ;; esac
    [ $v = ikev1 ] && { end a; end b; continue; }
    # it does not read its socket any more
    for what in silent closed; do
        echo "--- $what"
        kill -STOP "$PID_b"
        asks $what
        kill -CONT "$PID_b"
        ctl a up peer >"$T/out" 2>&1 && ok "up again" || bad "up: $(cat "$T/out")"
    done
    end a; end b
done
finish
