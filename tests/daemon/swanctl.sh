#!/bin/sh
# SPDX-License-Identifier: ISC
# Debian's unmodified swanctl steers ikelibd: --version --stats --list-conns --list-sas --initiate --rekey --terminate.
. "$(dirname "$0")/lib.sh"
[ -x /usr/sbin/swanctl ] || skip "swanctl is not installed (see tests/install)"

# swan HOST NAME COMMAND...: run it, its output in $T/NAME
swan() {
    _host=$1 _name=$2
    shift 2
    on "$_host" timeout 30 swanctl "$@" --uri "unix://$T/$_host.vici" >"$T/$_name" 2>&1
}
try() {
    _label=$2
    swan "$@"
    _rc=$?
    shift 2
    [ $_rc = 0 ] && ok "swanctl $*: status 0" && return
    bad "swanctl $*: status $_rc"
    sed 's/^/     /' "$T/$_label"
}
ike_number() { swan "$1" n --list-sas && sed -n 's/^peer: #\([0-9]*\), ESTABLISHED.*/\1/p' "$T/n"; }
child_number() { swan "$1" n --list-sas && sed -n 's/^  peer: #\([0-9]*\), .*INSTALLED.*/\1/p' "$T/n"; }
child_is_new() { _c=$(child_number "$1") && [ -n "$_c" ] && [ "$_c" != "$2" ] && [ "$(echo "$_c" | wc -l)" = 1 ]; }
ike_is_new() { _c=$(ike_number "$1") && [ -n "$_c" ] && [ "$_c" != "$2" ] && [ "$(echo "$_c" | wc -l)" = 1 ]; }
no_ike() { swan "$1" n --list-sas && [ ! -s "$T/n" ]; }

conf a; conf b
begin a; begin b

try a version --version --daemon
has "version" "$T/version" 'libike|ikelibd'
try a stats --stats
has "stats" "$T/stats" 'uptime: .*, since ' 'IKE_SAs: 0 total, 0 half-open'
try a conns --list-conns
has "list-conns" "$T/conns" '^peer: IKEv2' '^ *local: +10\.66\.0\.1' '^ *remote: +10\.66\.0\.2' 'id: a\.ike\.test' 'id: b\.ike\.test' \
    '^ *peer: TUNNEL' 'local: +10\.66\.1\.0/24' 'remote: +10\.66\.2\.0/24'
try a none --list-sas
[ ! -s "$T/none" ] && ok "list-sas: nothing before" || bad "list-sas shows something before: $(cat "$T/none")"

try a up --initiate --child peer --timeout 20
has "initiate" "$T/up" 'initiate completed successfully'
for h in a b; do
    try $h sas --list-sas
    has "list-sas of $h" "$T/sas" '^peer: #[0-9]+, ESTABLISHED, IKEv2, [0-9a-f]{16}_i' "'$h\.ike\.test' @ 10\.66\.0\." \
        'peer: #[0-9]+, reqid [0-9]+, INSTALLED, TUNNEL.*ESP:' '^ *in  +[0-9a-f]{8}' '^ *out +[0-9a-f]{8}' \
        'local  10\.66\.[12]\.0/24' 'remote 10\.66\.[12]\.0/24' 'established [0-9]+s ago'
done
try a stats --stats
has "stats" "$T/stats" 'IKE_SAs: 1 total, 0 half-open'
try a again --initiate --child peer --timeout 20

old=$(child_number a)
try a rekey --rekey --child peer
has "rekey" "$T/rekey" 'rekey completed successfully'
wait_for 10 child_is_new a "$old" && ok "the child SA is a new one: #$old, now #$(child_number a)" || bad "no new child SA"
old=$(ike_number a)
try a rekey --rekey --ike peer
wait_for 10 ike_is_new a "$old" && ok "the IKE SA is a new one: #$old, now #$(ike_number a)" || bad "no new IKE SA"
has "list-sas" "$T/n" 'peer: #[0-9]+, reqid [0-9]+, INSTALLED, TUNNEL.*ESP:'
old=$(child_number a)
try a rekey --rekey --child-id "$old"
wait_for 10 child_is_new a "$old" && ok "rekeyed by number" || bad "not rekeyed by number"

try a down --terminate --child peer --timeout 20
has "terminate" "$T/down" 'terminate completed successfully'
swan a sas --list-sas
has "after terminate --child" "$T/sas" '^peer: #[0-9]+, ESTABLISHED'
lacks "after terminate --child" "$T/sas" 'INSTALLED'
try a up --initiate --child peer --timeout 20
try b down --terminate --ike peer --timeout 20
for h in a b; do wait_for 10 no_ike $h && ok "no SA is left on $h" || bad "SAs are left on $h: $(cat "$T/n")"; done

try a up --initiate --child peer --timeout 20
kill -STOP "$PID_b" # it does not answer
try a down --terminate --ike peer --force
has "terminate --force" "$T/down" 'terminate completed successfully'
no_ike a && ok "no SA is left on a" || bad "SAs are left on a: $(cat "$T/n")"
kill -CONT "$PID_b"

swan a wrong --initiate --child nobody --timeout 5 && bad "an unknown child was initiated" || ok "an unknown child: $(tail -n 1 "$T/wrong")"
swan a wrong --terminate --ike nobody --timeout 5 && bad "an unknown IKE SA was terminated" || ok "an unknown IKE SA: $(tail -n 1 "$T/wrong")"
end b
swan a wrong --initiate --child peer --timeout 2
[ $? != 0 ] && ok "nobody answers: status is not 0" || bad "nobody answers, and swanctl says it worked"
try a stats --stats
end a
[ ! -e "$T/a.vici" ] && ok "the socket is removed" || bad "the socket is left behind"
finish
