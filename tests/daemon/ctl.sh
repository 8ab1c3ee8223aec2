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

echo "--- JSON: documents have a schema, lines have none (docs/ikelibctl.8.md)"
cat >"$T/schema.py" <<'PY'
import json, sys
kind, path = sys.argv[1:]
text = open(path).read()
if kind == "document":
    assert json.loads(text)["schema"] == 1
else:
    lines = [json.loads(l) for l in text.splitlines()]
    assert lines and all("schema" not in l for l in lines)
PY
# a datagram to port 500 with nothing but an IKE header, as raw IPv4 in a pcap file
python3 - "$T/one.pcap" <<'PY' || bad "no capture"
import struct, sys
ike = bytes(8 * [7] + 8 * [0]) + struct.pack("!BBBBII", 0, 0x20, 34, 8, 0, 28)
udp = struct.pack("!HHHH", 500, 500, 8 + len(ike), 0) + ike
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))) + udp
open(sys.argv[1], "wb").write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + struct.pack("=IIII", 1, 0, len(ip), len(ip)) + ip)
PY
conf a
begin a
for c in status stats explain reload "down peer" "rekey peer" "--timeout 0.2 up peer"; do
    # shellcheck disable=SC2086 # words
    ctl a --json $c >"$T/out" 2>"$T/err"
    python3 "$T/schema.py" document "$T/out" 2>>"$T/err" && ok "$c" || bad "$c: $(cat "$T/out" "$T/err")"
done
ctl a --json decode "$T/one.pcap" >"$T/out" 2>"$T/err"
python3 "$T/schema.py" lines "$T/out" 2>>"$T/err" && ok "decode" || bad "decode: $(cat "$T/out" "$T/err")"
end a

echo "--- numbers are read to their end"
for w in "--ike-id 7x" "--ike-id 0" "--ike-id -1" "--ike-id 4294967296" "--child-id 18446744073709551617" "--level 4" "--level x" \
    "--level 4294967296" "--timeout 0" "--timeout 1.2.3" "--timeout 1e3" "--timeout 99999999999" "--port 65536" "--port 0x1f4"; do
    # shellcheck disable=SC2086 # words
    gives 2 $w log
    has "$w" "$T/err" "^ikelibctl: ${w% *} needs .*, not ${w#* };"
done
for o in --ike --child; do
    gives 2 "$o" "" down
    has "$o" "$T/err" "^ikelibctl: $o needs a name;"
done
for c in status explain up down rekey reauth; do
    gives 2 $c ""
    has "$c" "$T/err" '^ikelibctl: the name is empty;'
done

echo "--- a child of several connections"
conf a; conf b
for n in 1 2 3; do
    printf '[connection s%d]\nlocal = 10.66.0.1\nremote = 10.66.0.2\nsecret = another one\nlocal-id = a%d.ike.test\n' $n $n
    printf 'remote-id = b%d.ike.test\n[child s%d/lan]\nlocal-net = 10.66.1.%d\nremote-net = 10.66.2.%d\n' $n $n $n $n
done >>"$T/a.conf"
sed -e 's/10\.66\.0\.1/10.66.0.9/; s/10\.66\.0\.2/10.66.0.1/; s/10\.66\.0\.9/10.66.0.2/' \
    -e 's/\(local\|remote\)-id = \([ab]\)/\1-ID = \2/; s/local-ID/remote-id/; s/remote-ID/local-id/' \
    -e 's/local-net = 10\.66\.1/LOCAL = 10.66.1/; s/remote-net/local-net/; s/LOCAL/remote-net/' -n -e '/^.connection s1/,$p' "$T/a.conf" >>"$T/b.conf"
begin a; begin b
children() { ctl a --json status | grep -c '"spi_in"'; }
for c in up down rekey "--json up" "-v down"; do
    # shellcheck disable=SC2086 # words
    gives 2 $c lan
    has "$c lan" "$T/err" '^ikelibctl: lan is a child of s1, s2, s3: say s1/lan$'
done
gives 2 up --child lan
[ "$(children)" = 0 ] && ok "nothing was begun" || bad "$(children) children are up"
if [ -x /usr/sbin/swanctl ]; then # what a child's name alone does for it is strongSwan's: the first, and all
    swan() { on a timeout 30 swanctl "$@" --uri "unix://$T/a.vici" >"$T/out" 2>&1 || bad "swanctl $*: $(cat "$T/out")"; }
    swan --initiate --child lan
    [ "$(children)" = 1 ] && ok "swanctl begins one" || bad "swanctl: $(children) children are up"
    for n in 2 3; do gives 0 up s$n/lan; done
    swan --terminate --child lan
    [ "$(children)" = 0 ] && ok "swanctl cuts all" || bad "swanctl: $(children) children are left"
fi
for n in 1 2 3; do gives 0 up s$n/lan; done
gives 2 down lan
[ "$(children)" = 3 ] && ok "nothing was cut" || bad "$(children) children are left"
gives 0 rekey lan --ike s2
gives 0 reauth s3
[ "$(children)" = 3 ] && ok "with the same children" || bad "$(children) children after reauth"
gives 2 reauth s3/lan
has "reauth of a child" "$T/err" 'a child has nobody to authenticate'
gives 2 reauth s9
has "reauth of nobody" "$T/err" 'reauth takes a connection'
gives 0 down --ike s1 --child lan
gives 0 down s2/lan
[ "$(children)" = 1 ] && ok "each alone" || bad "$(children) children are left"
gives 2 up s1 --ike s2
has "two names" "$T/err" 's1 or s2\?'
gives 2 up s1/lan --child voice
gives 2 down /lan
gives 2 down s3/
has "half a name" "$T/err" 'a name is missing beside the /'
gives 2 up --child-id 1
has "up by number" "$T/err" 'up takes names'

echo "--- a filter that cannot be read is not left out"
long=$(printf '%070d' 0)
for c in down up rekey; do
    gives 1 $c "$long/lan"
    has "$c" "$T/err" 'ike is no name: it is too long'
    gives 1 $c "s3/$long"
    has "$c" "$T/err" 'child is no name: it is too long'
done
for c in status explain; do
    gives 1 $c "$long"
    has "$c" "$T/err" 'ike is no name: it is too long'
done
[ "$(children)" = 1 ] && ok "nothing was cut" || bad "$(children) children are left"
end a; end b

echo "--- more connections than one answer has room for"
conf a
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "[connection a-connection-with-a-long-name-%d]\nremote = any\nsecret = another one\n", i }' >>"$T/a.conf"
begin a
gives 1 --timeout 0.2 up peer
has "up" "$T/err" '^peer: no outcome after 200 ms'
gives 0 down peer
gives 1 up a-connection-with-a-long-name-19999
has "up" "$T/err" 'it can only wait for peers'
gives 0 status a-connection-with-a-long-name-19999
has "status" "$T/out" '^a-connection-with-a-long-name-19999: listening'
gives 0 status
[ "$(grep -c '^a-connection' "$T/out")" = 20000 ] && ok "all are listed" || bad "$(grep -c '^a-connection' "$T/out") are listed"
if [ -x /usr/sbin/swanctl ]; then # asks for all names first, to unload what is gone
    printf 'connections { }\n' >"$T/none.swan"
    on a timeout 30 swanctl --load-conns --file "$T/none.swan" --uri "unix://$T/a.vici" >"$T/out" 2>&1
    has "swanctl" "$T/out" 'the names are more than one answer holds|loaded'
fi
lacks "all that time" "$T/a.log" 'client is disconnected'
end a
finish
