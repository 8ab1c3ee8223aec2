#!/bin/sh
# SPDX-License-Identifier: ISC
# What ikelibd says about its own surroundings: a taken port and who has it, a secret that others can read, a faulty
# configuration with file, line, tag, what was expected and found, no data plane, and what would keep a tunnel from working.
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
# what the start would refuse --check refuses, in the same words
both() { check "$@"; refuses "$@"; }
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "proposals = aes256-sha256-x25519-modp1024"
both 'x\.conf:4: \[connection office\] proposals: .*found "modp1024"; it is in a module: \[daemon\] modules = legacy'
write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "[child office/lan]" "esp-proposals = camellia128-sha256"
both 'x\.conf:5: \[child office/lan\] esp-proposals: .*found "camellia128"; it is not part of this build'
if [ "$(build IKE_V1)" = OFF ]; then
    echo "left out: IKEv1 is not in this build"
else
    write "[connection office]" "remote = 10.66.0.2" "secret = x y z" "version = ikev1" "proposals = aes256gcm16-prfsha256-ecp256"
    both 'x\.conf:5: \[connection office\] proposals: expected algorithms that IKEv1 has numbers for, found "aes256gcm16"; leave'
fi
write "[daemon]" "port = 4500" "$good"
both 'x\.conf:2: \[daemon\] port: .*port and encap-port have to differ'
write "[daemon]" "tun-name = my tun" "mtu = 500" "$good"
both 'x\.conf:2: \[daemon\] tun-name: .*"my tun"' 'x\.conf:3: \[daemon\] mtu: .*"500"'
write "[connection office]" "remote = 255.255.255.255" "secret = x y z" "local-id = C=CH, CN=office"
both 'x\.conf:2: \[connection office\] remote: .*no single host' 'x\.conf:4: .*local-id: .*distinguished name'
write "[daemon]" "max-connections = 1" "$good" "[connection branch]" "remote = 10.66.0.3" "secret = x y z"
both 'x\.conf:9: \[connection branch\]: .*max-connections'
on a "$IKELIBD" --check "$T/nothere.conf" >"$T/out" 2>&1 && bad "--check of a missing file passes"
has "missing file" "$T/out" 'nothere\.conf.*no such file'

echo "--- secrets"
printf 'correct horse battery staple\n' >"$T/secret"
write "[daemon]" "backend = none" "socket = $T/x.vici" "[connection office]" "remote = 10.66.0.2" "secret-file = $T/secret"
chmod 644 "$T/secret"
refuses 'secret.*(others|read|mode|permission)'
chmod 600 "$T/secret"
printf 'one\ntwo\n' >"$T/secret"
refuses 'secret-file: .*one line, found several lines'
printf 'correct horse battery staple\n' >"$T/secret"
on a "$IKELIBD" --check "$T/x.conf" >"$T/out" 2>&1 && ok "secret file of mode 600 is accepted" || bad "mode 600: $(cat "$T/out")"
write "[daemon]" "backend = none" "socket = $T/x.vici" "[connection office]" "remote = 10.66.0.2" "secret-file = $T/notthere"
refuses 'notthere.*no such file'
write "[daemon]" "backend = none" "socket = $T/x.vici" "$good"
chmod 644 "$T/x.conf"
on a "$IKELIBD" --check "$T/x.conf" >"$T/out" 2>&1
has "a secret in a file that others can read" "$T/out" 'x\.conf: others can read it .*chmod 600'

echo "--- an address that is not ours"
write "[daemon]" "backend = none" "socket = $T/x.vici" "listen = 10.66.9.9" "$good"
refuses 'cannot bind UDP port 500 of 10\.66\.9\.9: .*listen in \[daemon\]'

echo "--- the port is taken"
write "[daemon]" "backend = none" "socket = $T/x.vici" "$good"
# taken FAMILY ADDRESS V6ONLY: somebody else has port 500 there, and is named
taken() {
    nsenter --net=/run/netns/a -- python3 -c 'import socket, sys, time
family, address, only = sys.argv[1:]
s = socket.socket(getattr(socket, family), socket.SOCK_DGRAM)
if family == "AF_INET6":
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(only))
s.bind((address, 500))
time.sleep(60)' "$@" &
    holder=$!
    PIDS="$PIDS $holder"
    wait_for 5 sh -c "nsenter --net=/run/netns/a -- grep -q ':01F4 ' /proc/net/udp /proc/net/udp6" || bad "nobody holds port 500"
    refuses "UDP port 500 is taken by python3 \\(pid $holder\\)"
    kill $holder
    wait $holder 2>/dev/null
}
taken AF_INET 0.0.0.0 0
if on a test -e /proc/net/if_inet6; then
    taken AF_INET6 :: 1
    taken AF_INET6 :: 0
    taken AF_INET6 ::ffff:127.0.0.1 0
fi

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
# weak COMMAND...: on host a, without the right to administer its network
weak() { on a setpriv --bounding-set -net_admin --inh-caps -net_admin "$@"; }
# impossible BACKEND PATTERN...: without that right it ends by itself with status 1, and says each
impossible() {
    write "[daemon]" "backend = $1" "socket = $T/x.vici" "$good"
    shift
    weak timeout 10 "$IKELIBD" --config "$T/x.conf" >"$T/out" 2>&1
    _rc=$?
    [ $_rc = 1 ] || bad "status $_rc, not 1"
    has "no right" "$T/out" "$@"
    lacks "no right" "$T/out" 'is ready'
}
impossible auto 'ERROR no data plane is possible here\. xfrm: .+\. pfkey: .+\. userspace: .+\. \(backend = none carries no traffic\.\)' \
    'xfrm: (no right to set SAs \(CAP_NET_ADMIN\)|this kernel has no XFRM|netlink: .+)\.' \
    'userspace: (no right to make a TUN device \(CAP_NET_ADMIN\)|no /dev/net/tun.*)\.'
impossible xfrm 'ERROR backend = xfrm is not possible here: .'
impossible userspace 'ERROR backend = userspace is not possible here: .'
write "[daemon]" "backend = none" "socket = $T/x.vici" "$good"
weak timeout -s TERM 1 "$IKELIBD" --config "$T/x.conf" >"$T/out" 2>&1
has "none needs no right" "$T/out" 'WARN .*backend none: .*carry no traffic' 'is ready'

# loaded LINES...: what host a says when it loads the usual connection with these lines, in $T/said
loaded() {
    conf a "$1"
    : >"$T/a.log"
    begin a
    end a
    cp "$T/a.log" "$T/said"
}
# set_a NAME VALUE: a sysctl of host a
set_a() { on a sh -c "echo $2 >/proc/sys/net/$1" || bad "net/$1 cannot be set"; }

echo "--- forwarding"
set_a ipv4/ip_forward 0
loaded
has "off" "$T/said" \
    'WARN .*peer: forwarding is off \(net\.ipv4\.ip_forward = 0\).*10\.66\.1\.0/24.*sysctl -w net\.ipv4\.ip_forward=1'
loaded "local-net = 10.66.1.1"
lacks "off, and the host itself is all" "$T/said" 'forwarding is off'
loaded "local-net = 10.66.1.1, 10.66.4.0/24"
has "off, and the second of two is a network" "$T/said" 'forwarding is off.*10\.66\.4\.0/24'
set_a ipv4/ip_forward 1
loaded
lacks "on" "$T/said" 'forwarding is off'
if [ -e /proc/sys/net/ipv6/conf/all/forwarding ]; then
    set_a ipv6/conf/all/forwarding 0
    loaded "local-net = 10.66.1.0/24, fd66:1::/64"
    has "off for IPv6" "$T/said" 'forwarding is off \(net\.ipv6\.conf\.all\.forwarding = 0\).*fd66:1::/64'
    lacks "off for IPv6" "$T/said" 'net\.ipv4\.ip_forward'
fi

echo "--- what ESP in the daemon cannot do"
BACKEND=userspace
if on a ip tuntap add dev probe mode tun 2>/dev/null && on a ip link del probe; then
    # the greater of all's and the interface's counts
    for v in "1 0" "0 1" "1 1"; do
        set_a ipv4/conf/all/rp_filter "${v% *}"; set_a ipv4/conf/eth0/rp_filter "${v#* }"
        loaded "remote-net = 10.66.0.2"
        has "rp_filter of all and eth0: $v" "$T/said" \
            'WARN .*child peer: the strict reverse path filter .*sysctl -w net\.ipv4\.conf\.all\.rp_filter=2'
    done
    loaded
    lacks "strict, and the peer itself is not meant" "$T/said" 'reverse path filter'
    for v in "0 0" "2 1" "1 2"; do
        set_a ipv4/conf/all/rp_filter "${v% *}"; set_a ipv4/conf/eth0/rp_filter "${v#* }"
        loaded "remote-net = 10.66.0.2"
        lacks "rp_filter of all and eth0: $v" "$T/said" 'reverse path filter'
    done
    loaded "mode = transport"
    has "transport mode" "$T/said" \
        'ERROR .*child peer wants transport mode, which user-space ESP cannot carry \(backend = xfrm can\)'
    loaded "mode = transport
mode-fallback = yes"
    lacks "transport mode, or else tunnel" "$T/said" 'transport mode'
else
    echo "SKIPPED: no TUN device can be made here: what user-space ESP says of the reverse path filter and of transport mode"
    [ -z "$CI" ] || FAILED=1
fi
finish
