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
finish
