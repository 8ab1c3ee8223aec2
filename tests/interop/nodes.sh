# SPDX-License-Identifier: ISC
# Nodes, links and what is seen on them; sourced by ./run inside the test machine.
#
# A node is one "machine": a network, mount and UTS namespace of its own, with /run on a tmpfs and /etc, /var (and /usr where
# needed) behind an overlay, so that two daemons which both want /run/charon.pid live side by side.

PIDS=

say() { echo "--- $*"; }
bad() { echo "!!! $*"; FAILED=1; }
# stop WHY...: nothing more of this scenario makes sense
stop() { bad "$*"; STOPPED=1; }
# val VARIABLE NODE: a node's own setting, or the scenario's
val() { eval "printf '%s' \"\${$1_$2-\$$1}\""; }
other() { case $1 in a) echo b ;; b) echo a ;; esac; }
# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
    uptime_s
    _end=$((UPTIME + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        uptime_s
        [ "$UPTIME" -le "$_end" ] || return 1
        sleep 0.2
    done
}
# uptime_s: $UPTIME. A process costs some 50 ms here, so what is asked often does without one.
uptime_s() {
    read -r UPTIME _ </proc/uptime
    UPTIME=${UPTIME%%.*}
}

# --- nodes -----------------------------------------------------------------
node_pid() { eval "echo \$NODE_$1"; }

# node_add NAME: make a node
node_add() {
    unshare --mount --net --uts --propagation private sleep 100000 &
    eval "NODE_$1=$!"
    PIDS="$PIDS $!"
    _mine=$(readlink /proc/self/ns/net)
    _n=0
    while [ "$(readlink /proc/$!/ns/net 2>/dev/null)" = "$_mine" ] ||
        [ "$(readlink /proc/$!/exe)" != "$(readlink -f "$(command -v sleep)")" ]; do
        _n=$((_n + 1))
        [ $_n -lt 100 ] || return 1
        sleep 0.05
    done
    on "$1" sh -c '
        hostname '"$1"'
        mount -t tmpfs -o mode=755 run /run
        mkdir -p /run/lock /run/netns /run/ov
        for d in etc var; do
            mkdir -p /run/ov/$d/up /run/ov/$d/work
            mount -t overlay -o lowerdir=/$d,upperdir=/run/ov/$d/up,workdir=/run/ov/$d/work $d /$d
        done
        ip link set lo up
        sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
        [ ! -d /proc/sys/net/ipv6 ] ||
            sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0'
}

# on NAME COMMAND...: run a command in a node
on() {
    _p=$(node_pid "$1")
    shift
    nsenter -t "$_p" --mount --net --uts -- "$@"
}

# bg NAME COMMAND...: start a command in a node and leave it running; its process is $BG
bg() {
    _p=$(node_pid "$1")
    shift
    nsenter -t "$_p" --mount --net --uts -- "$@" &
    BG=$!
    PIDS="$PIDS $BG"
}

# link A DEV-A ADDR-A B DEV-B ADDR-B: a cable between two nodes; several addresses are given as "X Y"
link() {
    ip link add xa type veth peer name xb
    ip link set xa netns "$(node_pid "$1")" name "$2"
    ip link set xb netns "$(node_pid "$4")" name "$5"
    addrs "$2" "$3" | on "$1" ip -batch -
    addrs "$5" "$6" | on "$4" ip -batch -
}

# addrs DEV "ADDRS": what ip is told
addrs() {
    for _i in $2; do echo "addr add $_i dev $1"; done
    echo "link set $1 up"
}

# inside A-or-B "ADDRS": the network behind a node
inside() {
    {
        printf 'link add in0 type veth peer name in1\nlink set in1 up\n'
        addrs in0 "$2"
    } | on "$1" ip -batch -
}

# topo_direct: a 10.66.0.1 --- 10.66.0.2 b; 10.66.1.0/24 behind a, 10.66.2.0/24 behind b; the same with fd66:N::
topo_direct() {
    modprobe ipv6
    node_add a
    node_add b
    link a eth0 "10.66.0.1/24 fd66::1/64" b eth0 "10.66.0.2/24 fd66::2/64"
    inside a "10.66.1.1/24 fd66:1::1/64"
    inside b "10.66.2.1/24 fd66:2::1/64"
    printf 'route add %s\n' "10.66.2.0/24 via 10.66.0.2 src 10.66.1.1" "fd66:2::/64 via fd66::2 src fd66:1::1" | on a ip -batch -
    printf 'route add %s\n' "10.66.1.0/24 via 10.66.0.1 src 10.66.2.1" "fd66:1::/64 via fd66::1 src fd66:2::1" | on b ip -batch -
}

# topo_nat: a 10.66.3.2 --- 10.66.3.1 nat 10.66.0.254 --- 10.66.0.2 b; nat hides a behind 10.66.0.254, so only a can begin
topo_nat() {
    node_add a
    node_add b
    node_add nat
    link a eth0 10.66.3.2/24 nat lan0 10.66.3.1/24
    link nat out0 10.66.0.254/24 b eth0 10.66.0.2/24
    inside a 10.66.1.1/24
    inside b 10.66.2.1/24
    on a ip route add default via 10.66.3.1
    on b ip route add 10.66.1.0/24 via 10.66.0.254 src 10.66.2.1
    # this kernel has nf_tables without a family of its own, so not nft(8)
    on nat sh -c '
        iptables-legacy -t nat -A POSTROUTING -o out0 -p udp -j MASQUERADE --to-ports 20000-20999 &&
        iptables-legacy -t nat -A POSTROUTING -o out0 -j MASQUERADE &&
        iptables-legacy -A FORWARD -p esp -j DROP &&
        iptables-legacy -A FORWARD -p ah -j DROP' || bad "iptables in the NAT node"
}

# --- what is seen ----------------------------------------------------------
capture() {
    for _c in a b; do
        bg $_c tcpdump -Z root -i eth0 -Q out -U -w "$LOGS/$_c.pcap" >/dev/null 2>&1
    done
    for _c in a b; do wait_for 20 test -s "$LOGS/$_c.pcap" || bad "tcpdump on $_c does not begin"; done
}

# own NODE: its outer addresses
own() {
    case $1$TOPO in
    anat) echo 10.66.3.2 ;;
    a*) echo 10.66.0.1 fd66::1 ;;
    b*) echo 10.66.0.2 fd66::2 ;;
    esac
}
sas() { on "$1" ip -s xfrm state; }
has_sas() { [ "$(count_sas "$1")" -ge 2 ]; }
no_sas() { [ "$(count_sas "$1")" = 0 ]; }
count_sas() { sas "$1" | grep -c '^src '; }
# spis NODE: but those of the kernel's own SAs for packets that IPComp left as they are
spis() { sas "$1" | sed -n '/proto 4 /d; s/.*spi \(0x[0-9a-f]*\).*/\1/p' | sort; }
# policies NODE: those that ask for ESP (sockets' bypass policies have no template)
policies() { on "$1" ip xfrm policy | grep -c 'tmpl src'; }

# packets NODE: the most packets that any one in and any one out SA has seen, as the smaller of the two
packets() {
    sas "$1" | awk -v own=" $(own "$1") " '
        /^src / { dir = index(own, " " $2 " ") ? "out" : "in" }
        /lifetime current/ { getline; split($2, f, "("); if (f[1] > n[dir]) n[dir] = f[1] + 0 }
        END { o = n["out"] + 0; i = n["in"] + 0; print (o < i ? o : i) }'
}

# fresh NODE OLD-SPIS: packets, in and out, on SAs whose SPI is not an old one
fresh() {
    sas "$1" | awk -v old="$(echo $2)" '
        /proto (esp|ah) spi / { split($4, f, "("); known = index(" " old " ", " " f[1] " ") }
        /lifetime current/ { getline; split($2, f, "("); if (!known) n += f[1] }
        END { print n + 0 }'
}
# changed NODE OLD-SPIS: an SA is there whose SPI is not an old one
changed() { for _s in $(spis "$1"); do case " $(echo $2) " in *" $_s "*) ;; *) return 0 ;; esac; done; return 1; }

# pings FROM SRC DST: three pings, none lost
pings() { on "$1" ping -n -q -c 3 -i 0.2 -W 3 -I "$2" "$3" >"$LOGS/ping" 2>&1; }

# tunnel FROM [SRC DST]: ping through ESP, and see that it was ESP
tunnel() {
    [ -z "$STOPPED" ] || return 1
    _s=${2:-$(inner "$1")}
    _d=${3:-$(inner "$(other "$1")")}
    _o=$(other "$1")
    _b=$(packets "$1") _before=$(packets "$_o")
    if ! pings "$1" "$_s" "$_d"; then
        bad "ping $_s -> $_d: $(grep -E 'loss|ping:' "$LOGS/ping" | head -1)"
        return 1
    fi
    _a=$(packets "$1") _after=$(packets "$_o")
    say "ping $_s -> $_d: 3 of 3; packets per SA: $1 $_b->$_a, $_o $_before->$_after"
    [ "$(kind "$1")" = vpnc ] || [ "$_a" -ge 3 ] || bad "no packet counted on $1"
    [ "$(kind "$_o")" = vpnc ] || [ "$_after" -ge 3 ] || bad "no packet counted on $_o"
}
inner() {
    case $1$INNER in
    a4) echo 10.66.1.1 ;; b4) echo 10.66.2.1 ;;
    a6) echo fd66:1::1 ;; b6) echo fd66:2::1 ;;
    esac
}
# both_ways: a tunnel from each side
both_ways() { tunnel a && tunnel b; }

# wire: the capture must hold no clear ping, and ESP (or ESP in UDP)
wire() {
    [ -z "$STOPPED" ] || return 1
    sleep 0.3
    for _c in a b; do
        _clear=$(tcpdump -n -r "$LOGS/$_c.pcap" '(icmp and (icmp[0] = 0 or icmp[0] = 8)) or (icmp6 and (ip6[40] = 128 or ip6[40] = 129))' \
            2>/dev/null | wc -l)
        _esp=$(tcpdump -n -r "$LOGS/$_c.pcap" "${1:-esp}" 2>/dev/null | wc -l)
        say "wire, sent by $_c: $_esp of '${1:-esp}', $_clear clear pings"
        [ "$_esp" -gt 0 ] || bad "no '${1:-esp}' from $_c on the wire"
        [ "$_clear" -eq 0 ] || bad "clear ping from $_c on the wire"
    done
}

clean() {
    for _p in $PIDS; do kill -9 "$_p" 2>/dev/null; done
    for _p in $PIDS; do wait "$_p" 2>/dev/null; done
}
