#!/bin/sh
# SPDX-License-Identifier: ISC
# What ikelibd says about its own surroundings: a taken port and who has it, a secret that others can read, a faulty
# configuration with file, line, tag, what was expected and found.
. "$(dirname "$0")/lib.sh"

# check PATTERN...: --check of $T/x.conf fails and says each
check() {
    on a "$IKELIBD" --check "$T/x.conf" >"$T/out" 2>&1 && bad "--check accepts: $(cat "$T/x.conf")"
    has "--check" "$T/out" "$@"
}
write() { printf '%s\n' "$@" >"$T/x.conf"; chmod 600 "$T/x.conf"; }
# refuses PATTERN...: starting with $T/x.conf fails by itself and says each
refuses() {
    on a timeout 10 "$IKELIBD" --config "$T/x.conf" >"$T/out" 2>&1
    _rc=$?
    case $_rc in 0 | 124) bad "ikelibd started (status $_rc)" ;; esac
    has "start" "$T/out" "$@"
}
good="[connection office]
remote = 10.66.0.2
secret = correct horse battery staple
local-net = 10.1.0.0/24
remote-net = 10.2.0.0/24
start = no"

echo "--- configuration"
write "$good"
on a "$IKELIBD" --check "$T/x.conf" >"$T/out" 2>&1 && ok "the short form is accepted" || bad "the short form: $(cat "$T/out")"
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "remote-nett = 10.2.0.0/24"
check 'x\.conf:4: .*remote-nett' 'remote-net\b'
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "start = maybe"
check 'x\.conf:4: .*start.*expected.*yes.*found.*maybe'
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "local-net = 10.1.0.0/33"
check 'x\.conf:4: .*local-net.*expected.*found.*10\.1\.0\.0/33'
write "[connection office]" "secret = x y z"
check 'x\.conf:1: .*remote.*expected'
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "proposals = aes256-sha257-x25519"
check 'x\.conf:4: .*proposals.*sha257' 'sha256'
write "[conection office]" "remote = 10.66.0.2"
check 'x\.conf:1: .*conection' 'connection'
write "[connection office]" "remote 10.66.0.2"
check 'x\.conf:2: '
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "start = maybe" "mode = tunel" "dpd = soon"
check 'x\.conf:4: ' 'x\.conf:5: ' 'x\.conf:6: '
lacks "the secret is not shown" "$T/out" 'x y z'
refuses 'x\.conf:4: ' 'x\.conf:5: '
on a "$IKELIBD" --check "$T/nothere.conf" >"$T/out" 2>&1 && bad "--check of a missing file passes"
has "missing file" "$T/out" 'nothere\.conf.*no such file'

echo "--- secrets"
printf 'correct horse battery staple\n' >"$T/secret"
write "[daemon]" "backend = none" "socket = $T/x.vici" "[connection office]" "remote = 10.66.0.2" "secret-file = $T/secret"
chmod 644 "$T/secret"
refuses 'secret.*(others|read|mode|permission)'
chmod 600 "$T/secret"
on a "$IKELIBD" --check "$T/x.conf" >"$T/out" 2>&1 && ok "secret file of mode 600 is accepted" || bad "mode 600: $(cat "$T/out")"
write "[daemon]" "backend = none" "socket = $T/x.vici" "[connection office]" "remote = 10.66.0.2" "secret-file = $T/notthere"
refuses 'notthere.*no such file'
write "[daemon]" "backend = none" "socket = $T/x.vici" "$good"
chmod 644 "$T/x.conf"
on a "$IKELIBD" --check "$T/x.conf" >"$T/out" 2>&1
has "a secret in a file that others can read" "$T/out" 'x\.conf: others can read it .*chmod 600'

echo "--- the port is taken"
write "[daemon]" "backend = none" "socket = $T/x.vici" "$good"
nsenter --net=/run/netns/a -- python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 500))
time.sleep(60)' &
PIDS="$PIDS $!"
holder=$!
wait_for 5 sh -c "nsenter --net=/run/netns/a -- grep -q ':01F4 ' /proc/net/udp" || bad "nobody holds port 500"
refuses '500' "(python3|$holder)"
kill $holder
wait $holder 2>/dev/null

echo "--- the socket"
conf a; begin a
on a timeout 10 "$IKELIBD" --config "$T/a.conf" >"$T/out" 2>&1
[ $? != 0 ] && ok "a second daemon ends: $(tail -n 1 "$T/out")" || bad "a second daemon on the same socket started"
ctl a status >/dev/null && ok "the first one goes on" || bad "the first one does not answer any more"
"$IKELIBCTL" --socket "$T/nobody.vici" status >"$T/out" 2>&1 && bad "ikelibctl without a daemon succeeds"
has "ikelibctl without a daemon" "$T/out" 'nobody\.vici'
end a

echo "--- back-ends"
write "[daemon]" "backend = xfrn" "$good"
check 'x\.conf:2: .*backend.*expected.*xfrm.*found.*xfrn'
finish
