#!/bin/sh
# SPDX-License-Identifier: ISC
# The key log: nobody gets one without being told, and ikelibctl decode opens with it what our own handshakes and their rekeys
# send encrypted, of each way to protect an IKE SA, and of IKEv1 in each of its modes.
. "$(dirname "$0")/lib.sh"

# capture FILE: what passes host a's end of the cable. tcpdump would give up rights that a user namespace cannot give up.
capture() {
    nsenter --net=/run/netns/a -- python3 - "$1" <<'PY' &
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("eth0", 0))
with open(sys.argv[1], "wb", 0) as f:
    f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
    while True:
        frame = s.recv(65535)
        t = time.time()
        f.write(struct.pack("<IIII", int(t), int(t % 1 * 1000000), len(frame), len(frame)) + frame)
PY
    CAPTURE=$!
    PIDS="$PIDS $CAPTURE"
    wait_for 10 test -s "$1" || bad "the capture does not start"
}

# handshake PROPOSAL ROWS-AND-CIPHER: connect, rekey the IKE SA, end; then look at it with and without the keys
handshake() {
    echo "--- $1"
    rm -f "$T/keys" "$T/a.log" "$T/cap.pcap"
    conf a "proposals = $1"; conf b "proposals = $1"
    capture "$T/cap.pcap"
    begin b
    begin a --keylog "$T/keys"
    has "the warning" "$T/a.log" "WARN .*KEY LOG IS ON: whoever reads $T/keys can decrypt every IKE SA"
    [ "$(stat -c %a "$T/keys")" = 600 ] && ok "others cannot read it" || bad "mode $(stat -c %a "$T/keys")"
    ctl a up peer >"$T/up" 2>&1 || bad "up: $(cat "$T/up")"
    ctl a rekey --ike peer >"$T/up" 2>&1 || bad "rekey: $(cat "$T/up")"
    end a; end b
    sleep 0.2
    kill $CAPTURE
    wait $CAPTURE 2>/dev/null
    has "the rows" "$T/keys" "^[0-9a-f]{16},[0-9a-f]{16},[0-9a-f]+,[0-9a-f]+,\"$2"
    [ "$(wc -l <"$T/keys")" = 2 ] && ok "two rows: the SA and the one of its rekey" || bad "rows: $(cat "$T/keys")"
    "$IKELIBCTL" decode "$T/cap.pcap" >"$T/clear" 2>"$T/err"
    sed -i '/octets:/d' "$T/clear" # long, and not what is looked for
    lacks "without keys" "$T/clear" 'b\.ike\.test|payload IDi|payload D'
    has "without keys" "$T/clear" 'IKE_AUTH' 'CREATE_CHILD_SA' 'INFORMATIONAL'
    "$IKELIBCTL" decode "$T/cap.pcap" --keys "$T/keys" >"$T/clear" 2>"$T/err"
    has "with keys" "$T/err" '\(0 malformed, 0 with keys that do not fit\)'
    has "with keys" "$T/clear" 'payload IDi' 'a\.ike\.test' 'b\.ike\.test' 'payload AUTH' '10\.66\.2\.0'
    # the Delete at the end goes over the SA that the rekey made
    opened=$(grep -c '^      decrypted' "$T/clear")
    sealed=$(grep -c '^    payload SK' "$T/clear")
    [ "$opened" = "$sealed" ] && [ "$sealed" -ge 6 ] && ok "all $sealed are open" || bad "$opened of $sealed are open"
    has "the rekeyed SA ends" "$T/clear" 'payload D$'
}
handshake aes256-sha256-x25519 'AES-CBC-256 \[RFC3602\]",[0-9a-f]{64},[0-9a-f]{64},"HMAC_SHA2_256_128'
handshake aes256gcm16-prfsha256-x25519 'AES-GCM-256 with 16 octet ICV'
handshake chacha20poly1305-prfsha256-x25519 'CHACHA20'
lacks "b has none, and says nothing of one" "$T/b.log" 'key log'

# handshake_v1 PROPOSAL KEY-DIGITS [LINE]: the same with IKEv1, of which one row tells both ends' messages
handshake_v1() {
    echo "--- IKEv1, $1${3:+, $3}"
    rm -f "$T/keys" "$T/a.log" "$T/b.log" "$T/cap.pcap"
    for h in a b; do conf $h "version = ikev1
proposals = $1
$3"; done
    capture "$T/cap.pcap"
    begin b --keylog "$T/keys.b"
    begin a --keylog "$T/keys"
    if grep -q 'not in this\|is not known' "$T/a.log"; then
        ok "left out: $1 is not in this build"
        end a; end b
        kill $CAPTURE
        return
    fi
    ctl a up peer >"$T/up" 2>&1 || bad "up: $(cat "$T/up")"
    ctl a rekey --child peer >"$T/up" 2>&1 || bad "rekey: $(cat "$T/up")"
    end a; end b
    sleep 0.2
    kill $CAPTURE
    wait $CAPTURE 2>/dev/null
    has "the row" "$T/keys" "^[0-9a-f]{16},[0-9a-f]{$2}$"
    [ "$(wc -l <"$T/keys")" = 1 ] && ok "one row" || bad "rows: $(cat "$T/keys")"
    cmp -s "$T/keys" "$T/keys.b" && ok "both ends write the same" || bad "the other end writes $(cat "$T/keys.b")"
    rm -f "$T/keys.b"
    "$IKELIBCTL" decode "$T/cap.pcap" >"$T/clear" 2>"$T/err"
    sealed=$(grep -c '\[encrypted' "$T/clear")
    sed -i '/octets:/d' "$T/clear"
    lacks "without the key" "$T/clear" "payload D$"
    # Main Mode alone hides who talks
    [ -n "$3" ] || lacks "identities without the key" "$T/clear" "[ab]\.ike\.test"
    "$IKELIBCTL" decode "$T/cap.pcap" --keys "$T/keys" >"$T/clear" 2>"$T/err"
    has "with the key" "$T/err" '\(0 malformed, 0 with keys that do not fit\)'
    has "with the key" "$T/clear" 'a\.ike\.test' 'b\.ike\.test' 'payload HASH' 'exchange type: 32' '10\.66\.2\.0' 'payload D$'
    opened=$(grep -c '^ *decrypted$' "$T/clear")
    # Main Mode 5 and 6 or Aggressive Mode 3, twice Quick Mode, the Deletes
    [ "$opened" = "$sealed" ] && [ "$sealed" -ge 8 ] && ok "all $sealed are open" || bad "$opened of $sealed are open"
}
if [ "$(build IKE_V1)" = ON ]; then
    handshake_v1 aes256-sha256-modp2048 64
    handshake_v1 aes128-sha1-modp2048 32 'aggressive = yes'
    handshake_v1 aes256-sha1-ecp256 64 # longer than SKEYID_e
    if [ "$(build IKE_LEGACY)" != OFF ]; then
        DAEMON='modules = legacy
allow-variable-time = yes'
        handshake_v1 3des-md5-modp1024 48
        DAEMON=
    fi
else
    ok "left out: IKEv1 is not in this build"
fi

echo "--- files that are not taken"
ln -sf "$T/elsewhere" "$T/link"
conf a
on a timeout 10 "$IKELIBD" --config "$T/a.conf" --keylog "$T/link" >"$T/out" 2>&1
[ $? = 1 ] && [ ! -e "$T/elsewhere" ] && ok "no link is followed: $(grep -i 'key log' "$T/out")" ||
    bad "a link is followed: $(cat "$T/out")"
has "the link" "$T/out" 'is a symbolic link'
mkfifo "$T/fifo"
on a timeout 10 "$IKELIBD" --config "$T/a.conf" --keylog "$T/fifo" >"$T/out" 2>&1
[ $? = 1 ] && has "a FIFO" "$T/out" 'not a regular file' || bad "a FIFO is opened: $(cat "$T/out")"
printf 'old\n' >"$T/keys"
chmod 644 "$T/keys"
begin a --keylog "$T/keys"
[ "$(stat -c %a "$T/keys")" = 600 ] || bad "an old file stays open to others"
has "a file that was there is closed to others, and kept" "$T/keys" '^old$'
end a
finish
