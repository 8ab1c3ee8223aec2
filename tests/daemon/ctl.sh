#!/bin/sh
# SPDX-License-Identifier: ISC
# The command line of ikelibctl: what it takes, what it refuses and with which status.
. "$(dirname "$0")/lib.sh"

# gives STATUS ARGUMENT...: ikelibctl on a ends with this status; what it says is in $T/out and $T/err
gives() {
    _want=$1
    shift
    ctl a "$@" >"$T/out" 2>"$T/err"
    _rc=$?
    [ $_rc = "$_want" ] && ok "status $_rc: $*" || bad "status $_rc, not $_want: $*: $(cat "$T/out" "$T/err")"
}

echo "--- help"
for o in -h --help; do
    gives 0 $o
    has "$o" "$T/out" '^usage: ikelibctl' '^ +-h, --help'
done
finish
