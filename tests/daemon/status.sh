#!/bin/sh
# SPDX-License-Identifier: ISC
# What ikelibctl status and explain say where things are not as they should be: a name that cannot be resolved, a peer that gives
# less than was asked for, a silent one, peers that are refused, and after down.
. "$(dirname "$0")/lib.sh"

# says WHAT PATTERN...: ikelibctl status of host a says each, now; it is in $T/status
says() {
    _label=$1
    shift
    ctl a status >"$T/status" 2>&1
    sed 's/^/     /' "$T/status"
    has "$_label" "$T/status" "$@"
}
# state NAME: of a connection in status --json
state() { ctl a --json status | python3 -c 'import json, sys
print(*[c["state"] for c in json.load(sys.stdin)["connections"] if c["name"] == sys.argv[1]])' "$1"; }
is() { [ "$(state "$1")" = "$2" ]; }
# fails_to COMMAND... : ikelibctl on a, status 1; what it says is in $T/out
fails_to() {
    ctl a "$@" >"$T/out" 2>&1
    _rc=$?
    [ $_rc = 1 ] && ok "$*: status 1" || bad "$*: status $_rc: $(cat "$T/out")"
    sed 's/^/     /' "$T/out"
}

echo "--- a name that cannot be resolved, and a peer that has to begin"
conf a "remote = no-such-name.invalid"
printf '[connection any]\nremote = any\nsecret = x y z\n[connection net]\nremote = 10.66.0.0/24\nsecret = x y z\n' >>"$T/a.conf"
begin a
tried() { ctl a status | grep -q 'next try in'; }
wait_for 20 tried || bad "nothing is said of the name: $(ctl a status)"
says "status" '^peer: resolving no-such-name\.invalid: .+, next try in [0-9]+s$' '^any: listening, with %any$'
is peer resolving && ok "state resolving" || bad "state is $(state peer)"
ctl a explain peer >"$T/out" 2>&1 || bad "explain: status $?"
sed 's/^/     /' "$T/out"
has "explain" "$T/out" '^peer: resolving no-such-name\.invalid: .+, next try in [0-9]+s$' 'remedy: .*remote.*a\.conf:[0-9]+'
lacks "explain" "$T/out" 'no attempt has failed'
ctl a explain any >"$T/out" 2>&1
has "explain of another" "$T/out" '^any: no attempt has failed$'
ctl a --json explain peer >"$T/out" 2>&1
has "explain --json" "$T/out" '"remote_name": "no-such-name.invalid"' '"resolve_error": ".+"' '"resolve_fails": [1-9]' '"resolve_in": [0-9]'
fails_to up peer
has "up" "$T/out" 'no-such-name\.invalid is not resolved: .+; it is being asked for now' 'correct .remote. \(.*a\.conf:[0-9]+\)'
for c in any net; do
    fails_to up $c
    has "up $c" "$T/out" 'it can only wait for peers, as its .remote. is (any|a network): let the peer begin'
    lacks "up $c" "$T/out" 'invalid|resolve'
done
has "log" "$T/a.log" 'WARN +peer: cannot resolve no-such-name\.invalid: .+; next try in 5 s'
end a

echo "--- a name that could be resolved once"
hosts() { printf '127.0.0.1 localhost\n%s\n' "$*" >"$T/hosts"; }
hosts 10.66.0.2 b.ike.test
if mount --bind "$T/hosts" /etc/hosts 2>/dev/null; then
    DAEMON="retransmit-first = 100ms
retransmit-tries = 1"
    conf a "remote = b.ike.test"; conf b
    begin a; begin b
    wait_for 10 ctl a up peer || bad "up: $(ctl a status)"
    says "resolved" '^peer: up, with b\.ike\.test \(10\.66\.0\.2\)$'
    hosts
    end b
    fails_to up peer
    again() { ctl a status | grep -q 'next try in'; }
    wait_for 20 again || bad "the name is not asked for again: $(ctl a status)"
    says "unresolved" '^peer: down, with b\.ike\.test \(10\.66\.0\.2\), 1 failed in a row$' \
        '^  resolving b\.ike\.test: .+, next try in [0-9]+s; the address it had is used until then$' '^  last failure'
    ctl a explain >"$T/out"
    has "explain" "$T/out" '^peer: resolving b\.ike\.test: ' '^peer/peer, .* ago:$'
    end a
    umount /etc/hosts
else
    echo "SKIPPED: /etc/hosts cannot be replaced here"
    [ -z "$CI" ] || FAILED=1
fi

echo "--- a peer that gives less than was asked for, and then is silent"
DAEMON="retransmit-first = 500ms"
conf a "remote-net = 10.66.2.0/24, 10.77.0.0/24
dpd = 1s"
conf b
begin a; begin b
ctl a up peer >"$T/out" 2>&1 || bad "up: $(cat "$T/out")"
says "up" '^peer: up, with 10\.66\.0\.2$' ', last message [0-9]+s ago$' '^      10\.66\.1\.0/24 <-> 10\.66\.2\.0/24$' \
    '^      the peer gave less than asked for: 10\.66\.1\.0/24 <-> 10\.66\.2\.0/24, 10\.77\.0\.0/24$'
lacks "up" "$T/status" 'silent|repetition|wait'
is peer up && ok "state up" || bad "state is $(state peer)"
ctl a --json status >"$T/out"
has "status --json" "$T/out" '"narrowed": true' '"requests_waiting": 0' '"repetitions": 0' '"gives_up_in": null'
kill -STOP "$PID_b"
wait_for 10 is peer "peer silent" || bad "a stopped peer is not silent: $(ctl a status)"
nsenter --net=/run/netns/a -- "$IKELIBCTL" --socket "$T/a.vici" rekey --child peer >/dev/null 2>&1 & # waits for the window
PIDS="$PIDS $!"
waits() { ctl a status | grep -q '1 request waits'; }
wait_for 5 waits || bad "no request waits"
says "silent" '^peer: up, peer silent for [0-9]+s \(repetition [0-9]+ of the request; given up in [0-9ms]+\), with 10\.66\.0\.2$' \
    ', last message [0-9]+s ago, repetition [0-9]+, 1 request waits$'
ctl a --json status >"$T/out"
has "status --json" "$T/out" '"state": "peer silent"' '"repetitions": [1-9]' '"gives_up_in": [0-9]' '"last_in": [0-9]' '"requests_waiting": 1'
kill -CONT "$PID_b"
wait_for 10 is peer up && ok "it is up when it answers" || bad "it stays silent: $(ctl a status)"
end a
conf a; kill -STOP "$PID_b"; begin a
ctl a --timeout 0.1 up peer >/dev/null 2>&1
asks() { ctl a status | grep -q repetition; }
wait_for 5 asks || bad "no request is repeated"
says "connecting" '^peer: connecting, no answer yet \(repetition [0-9]+ of the request; given up in [0-9ms]+\), with 10\.66\.0\.2$'
is peer connecting && ok "state connecting" || bad "state is $(state peer)"
kill -CONT "$PID_b"
end a; end b

echo "--- peers that are refused"
DAEMON=
conf a; conf b "secret = another one"
printf '[connection any]\nremote = any\nremote-id = x.ike.test\nsecret = x y z\n' >>"$T/a.conf"
begin a; begin b
for i in 1 2 3; do ctl b up peer >/dev/null 2>&1 && bad "a wrong secret is taken"; done
says "refused" ', 0 IKE SAs \(0 half-open\), 0 child SAs$' '^peer: down, with 10\.66\.0\.2$' '^  last failure .*secret'
lacks "refused" "$T/status" 'deleting|no child|IKE SA #'
is peer down && ok "state down" || bad "state is $(state peer)"
ctl a --json status >"$T/out"
[ "$(grep -c '"state": "deleting"' "$T/out")" = 3 ] && ok "programs are told of each" || bad "status --json: $(cat "$T/out")"
ctl a status any >"$T/out"
has "status of one" "$T/out" '^ikelibd up [0-9a-z]+, data plane none$' '^any: listening'
end a; end b

echo "--- down by command, and what waits for traffic"
DAEMON="retransmit-first = 500ms"
conf a "start = yes"; conf b
printf '[connection lazy]\nremote = 10.66.0.7\nsecret = x y z\nlocal-net = 10.66.1.0/24\nremote-net = 10.7.0.0/24\nstart = on-demand\n' >>"$T/a.conf"
printf '[connection never]\nremote = 10.66.0.8\nsecret = x y z\nlocal-net = 10.66.1.0/24\nremote-net = 10.8.0.0/24\n' >>"$T/a.conf"
begin b; begin a
wait_for 10 is peer up || bad "start = yes: $(ctl a status)"
ctl a down peer >"$T/out" 2>&1 || bad "down: $(cat "$T/out")"
lacks "down of a peer that answers" "$T/out" 'waiting'
says "down" '^peer: down \(by command\), with 10\.66\.0\.2$' '^lazy: waiting for traffic, with 10\.66\.0\.7$' \
    '^never: down, with 10\.66\.0\.8$'
is peer "down (by command)" && is lazy "waiting for traffic" && is never down && ok "states for programs" || bad "$(ctl a --json status)"
ctl a up peer >"$T/out" 2>&1 || bad "up: $(cat "$T/out")"
is peer up && ok "up again" || bad "state is $(state peer)"

echo "--- down of a silent peer"
kill -STOP "$PID_b"
nsenter --net=/run/netns/a -- "$IKELIBCTL" --socket "$T/a.vici" down peer >"$T/down" 2>&1 &
down=$!
PIDS="$PIDS $down"
wait_for 10 grep -q waiting "$T/down" || bad "down does not say that it waits"
has "down" "$T/down" "^peer: waiting for the peer's answer; peer silent for [0-9]+s \(repetition [0-9]+ of the request; given up in [0-9ms]+\)$"
says "going down" '^peer: going down, peer silent for [0-9]+s \(repetition [0-9]+ of the request; given up in [0-9ms]+\), with 10\.66\.0\.2$'
is peer "going down" && ok "state going down" || bad "state is $(state peer)"
fails_to down peer
has "a second down" "$T/out" "it is going down already, and waits for the peer's answer"
kill -CONT "$PID_b"
wait "$down"
[ $? = 0 ] && ok "down ends with the answer" || bad "down: $(cat "$T/down")"
[ "$(grep -c . "$T/down")" = 2 ] && has "down" "$T/down" '^peer: down$' || bad "down: $(cat "$T/down")"
is peer "down (by command)" && ok "state down (by command)" || bad "state is $(state peer)"
end a; end b
finish
