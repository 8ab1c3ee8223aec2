#!/bin/sh
# SPDX-License-Identifier: ISC
# Crypto modules: what they have works where the module is loaded and both connections name it; one that cannot be had is told of
# and harms nobody else; one that a reload asks for waits for the next start.
. "$(dirname "$0")/lib.sh"
legacy=$(find "$BUILD" -name ike_legacy.so | head -n 1)
openssl=$(find "$BUILD" -name ike_openssl.so | head -n 1)
[ -n "$legacy$openssl" ] || skip "this build has no modules"

# tunnel IKE ESP SHOWN [LINE]: up with these proposals, which is what both sides then show
tunnel() {
    echo "--- $1, $2 $4"
    rm -f "$T"/*.log
    for h in a b; do conf $h "proposals = $1
esp-proposals = $2
$4"; begin $h; done
    if ctl a up peer >"$T/up" 2>&1; then ok "up"; else bad "up: $(cat "$T/up")"; fi
    for h in a b; do
        ctl $h status >"$T/status" 2>&1
        has "$h" "$T/status" "$3"
        has "$h" "$T/$h.log" 'module [a-z]* is loaded: /'
    done
    if ctl a rekey --ike peer >"$T/up" 2>&1; then ok "rekeyed"; else bad "rekey: $(cat "$T/up")"; fi
    end a
    end b
}

# whether IKEv1 is part of the build
has_v1() {
    conf a 'version = ikev1'
    "$IKELIBD" --check "$T/a.conf" >"$T/out" 2>&1 || { echo "SKIPPED in part: no IKEv1 in this build"; return 1; }
}

if [ -n "$legacy" ]; then
    DAEMON='modules = legacy
allow-variable-time = yes'
    tunnel des-md5-modp768 des-md5 'DES'
    tunnel 3des-sha1-modp1024 3des-sha1-modp1024 '3DES'
    tunnel cast128-sha1-ec2n155 cast128-md5 'CAST|cast128'
    tunnel blowfish256-sha256-ec2n185 blowfish128-sha256-ec2n185 'BLOWFISH|blowfish'
    if has_v1; then
        tunnel 3des-sha1-modp1024 3des-sha1 '3DES' 'version = ikev1'
        tunnel des-md5-ec2n155 des-md5 'DES' 'version = ikev1'
    fi
fi
if [ -n "$openssl" ]; then
    DAEMON="modules = $openssl"
    tunnel aes256gcm16-prfsha384-ecp384bp aes128gcm16-ecp256bp 'ECP_384_BP|ecp384bp'
    tunnel aes128-sha256-x448 aes128-sha256 'CURVE_448|x448'
fi

echo "--- one that cannot be had"
printf 'no module\n' >"$T/text.so"
DAEMON="modules = $T/nosuch.so, $T/text.so, never-heard-of"
rm -f "$T"/*.log
for h in a b; do conf $h; begin $h; done
has "a file that is not there" "$T/a.log" "ERROR .*module $T/nosuch\.so: No such file or directory"
has "a file that is no module" "$T/a.log" "ERROR .*module $T/text\.so: it cannot be loaded: "
has "a name" "$T/a.log" 'ERROR .*module /.*/ike_never-heard-of\.so: No such file or directory'
if ctl a up peer >"$T/up" 2>&1; then ok "the rest works"; else bad "up: $(cat "$T/up")"; fi

echo "--- at a reload"
if [ -n "$legacy" ]; then
    DAEMON='modules = legacy'
    conf a 'proposals = aes128-md5-modp1024'
    : >"$T/a.log"
    kill -HUP "$PID_a"
    wait_for 5 grep -q 'count from the next start' "$T/a.log"
    has "the engine runs with what it has" "$T/a.log" 'connection peer.*modules, which count from the next start'
    ctl a status >"$T/status" 2>&1
    has "the tunnel stays" "$T/status" 'peer'
    conf a
    kill -HUP "$PID_a"
    wait_for 5 grep -q 'modules changed' "$T/a.log"
    has "a reload that needs none" "$T/a.log" 'modules changed: it counts from the next start'
fi
end a
end b
finish
