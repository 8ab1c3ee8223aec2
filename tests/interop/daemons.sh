# SPDX-License-Identifier: ISC
# The daemons: configuration from the scenario's settings, starting, steering; sourced by ./run after nodes.sh.
#
# Kinds: ike (ours), strongswan, libreswan, iked, vpnc.  Each has conf_KIND start_KIND up_KIND and, where a scenario steers it,
# rekey_child_KIND rekey_ike_KIND reauth_KIND down_child_KIND down_ike_KIND.

kind() { eval "echo \${KIND_$1}"; }
conf() { "conf_$(kind "$1")" "$1"; }
# load NODE: have the running daemon read its configuration anew
load() { conf "$1" && "load_$(kind "$1")" "$1"; }
start() { conf "$1" && "start_$(kind "$1")" "$1"; }
up() { "up_$(kind "$1")" "$1"; }
rekey_child() { "rekey_child_$(kind "$1")" "$1"; }
rekey_ike() { "rekey_ike_$(kind "$1")" "$1"; }
reauth() { "reauth_$(kind "$1")" "$1"; }
down_child() { "down_child_$(kind "$1")" "$1"; }
down_ike() { "down_ike_$(kind "$1")" "$1"; }
# live_ike NODE: an identifier of the one live IKE SA, which changes when it is rekeyed
live_ike() { "live_ike_$(kind "$1")" "$1"; }
rekeyed_ike() { _l=$(live_ike "$1") && [ -n "$_l" ] && [ "$_l" != "$2" ]; }
has_ike() { [ -n "$(live_ike "$1")" ]; }
pid_of() { eval "echo \$DAEMON_$1"; }
# crash NODE: as if the power had gone, but for the kernel's SAs, which a killed daemon leaves behind
crash() { kill -9 "$(pid_of "$1")"; wait "$(pid_of "$1")" 2>/dev/null; }
# given NODE IKE|ESP|AH FORMAT: a line with the node's proposals; none if they are "default", the daemon's own
given() {
    _g=$(val "$2" "$1")
    # shellcheck disable=SC2059 # a format
    [ "$_g" = default ] || printf "$3" "$_g"
}
remote_of() { _r=$(val REMOTE "$1"); [ -n "$_r" ] && echo "$_r" || val ADDR "$(other "$1")"; }
# logged NODE PATTERN: a stock daemon's log must say so
logged() {
    [ "$(kind "$1")" != ike ] || return 0
    [ "$(kind "$1")" != strongswan ] || on "$1" cat /run/charon.log >"$LOGS/$1.log" 2>/dev/null
    if grep -Eq -- "$2" "$LOGS/$1.log" "$LOGS/$1.up" 2>/dev/null; then
        say "$1 logged: $(grep -Ehm1 -- "$2" "$LOGS/$1.log" "$LOGS/$1.up" 2>/dev/null | head -1 | cut -c1-110)"
    else
        bad "$1 did not log /$2/"
    fi
}

# --- ours ------------------------------------------------------------------
ctl() { _c=$1; shift; on "$_c" "$IKELIBCTL" "$@"; }

conf_ike() {
    {
        printf '[daemon]\nbackend = %s\n' "$(val BACKEND "$1")"
        val OUR_DAEMON "$1" # lines of [daemon]
        printf '\n[connection peer]\nlocal = %s\nremote = %s\n' "$(val ADDR "$1")" "$(remote_of "$1" | sed 's/%any/any/')"
        [ -n "$CERT" ] && printf 'local-key = pki/%s.key\nlocal-cert = pki/%s.pem\nremote-cert = pki/%s.pem\n' "$1" "$1" "$(other "$1")" ||
            printf 'secret = %s\n' "$(val PSK "$1")"
        printf 'local-id = %s\nremote-id = %s\n' "$(val ID "$1")" "$(val ID "$(other "$1")")"
        [ "$VERSION" = 2 ] || printf 'version = ikev%s\n' "$VERSION"
        given "$1" IKE 'proposals = %s\n'
        given "$1" ESP 'esp-proposals = %s\n'
        given "$1" AH 'ah-proposals = %s\n'
        # a side whose network is "dynamic" has what Mode-Config gives it
        [ "$MODE" = transport ] && echo 'mode = transport' ||
            printf 'local-net = %s\nremote-net = %s\n' "$(val NET "$1")" "$(val NET "$(other "$1")")" | grep -v 'dynamic$'
        val OURS "$1" # lines of [connection peer], and sections behind it
        echo
    } >"$LOGS/$1.conf"
    chmod 600 "$LOGS/$1.conf"
}
give_ike() {
    on "$1" sh -c "cp $LOGS/$1.conf /run/ikelibd.conf && chmod 600 /run/ikelibd.conf"
    [ -z "$CERT" ] || on "$1" sh -c "rm -rf /run/pki && cp -r $LOGS/pki /run/pki && chown -R 0:0 /run/pki && chmod 600 /run/pki/*.key"
}
load_ike() { give_ike "$1" && ctl "$1" reload >"$LOGS/$1.load" 2>&1 || { bad "ikelibctl reload on $1"; cat "$LOGS/$1.load"; }; }
start_ike() {
    [ "$(val BACKEND "$1")" != pfkey ] || modprobe af_key
    give_ike "$1"
    on "$1" "$IKELIBD" --check /run/ikelibd.conf >"$LOGS/$1.check" 2>&1 ||
        { bad "ikelibd --check on $1"; cat "$LOGS/$1.check"; return 1; }
    bg "$1" "$IKELIBD" --config /run/ikelibd.conf --keylog "$LOGS/$1.keys" >>"$LOGS/$1.log" 2>&1
    eval "DAEMON_$1=$BG"
    wait_for 20 ctl "$1" status || { bad "ikelibd on $1 does not answer"; return 1; }
}
stop_ike() {
    _pid=$(pid_of "$1")
    [ -n "$_pid" ] || return 0
    eval "DAEMON_$1="
    kill -TERM "$_pid"
    wait_for 20 not kill -0 "$_pid" || { bad "ikelibd on $1 did not end on SIGTERM"; return 1; }
    wait "$_pid"
    _rc=$?
    [ $_rc = 0 ] || bad "ikelibd on $1 ended with status $_rc"
}
not() { ! "$@"; }
up_ike() { ctl "$1" up peer >>"$LOGS/$1.up" 2>&1; }
rekey_child_ike() { ctl "$1" rekey --child peer >>"$LOGS/$1.up" 2>&1; }
rekey_ike_ike() { ctl "$1" rekey --ike peer >>"$LOGS/$1.up" 2>&1; }
reauth_ike() { ctl "$1" reauth --ike peer >>"$LOGS/$1.up" 2>&1; }
down_child_ike() { ctl "$1" down --child peer >>"$LOGS/$1.up" 2>&1; }
down_ike_ike() { ctl "$1" down peer >>"$LOGS/$1.up" 2>&1; }
live_ike_ike() { status "$1" --print-ike; }
# status NODE ARG...: what ikelibctl says, judged by status.py
status() {
    _c=$1
    shift
    ctl "$_c" --json status >"$LOGS/$_c.json" 2>>"$LOGS/$_c.up" && python3 "$HERE/status.py" "$LOGS/$_c.json" "$@"
}
# our_status NODE ARG...: the same, said and counted
our_status() {
    [ "$(kind "$1")" = ike ] && [ -z "$STOPPED" ] || return 0
    _t=$(status "$@" 2>&1) || bad "status of $1: $_t"
    say "status of $1: $_t"
}

# --- vpnc ------------------------------------------------------------------
# A client only, with ESP of its own over a TUN device.
conf_vpnc() {
    printf '%s\n' "IPSec gateway $(remote_of "$1")" "IPSec ID $(val ID "$1" | sed 's/^keyid:@//')" "IPSec secret $(val PSK "$1")" "IKE Authmode psk" \
        "IKE DH Group dh14" "Perfect Forward Secrecy nopfs" "Local Port 500" "DPD idle timeout (our side) 0" >"$LOGS/$1.conf"
    val VPNC "$1" >>"$LOGS/$1.conf"
}
start_vpnc() { on "$1" sh -c "mkdir -p /run/vpnc /etc/vpnc; cp $LOGS/$1.conf /etc/vpnc/test.conf; chmod 600 /etc/vpnc/test.conf"; }
up_vpnc() { on "$1" timeout 60 vpnc --debug 1 test >"$LOGS/$1.up" 2>&1; }
down_ike_vpnc() { on "$1" vpnc-disconnect >>"$LOGS/$1.up" 2>&1; }

# --- strongSwan ------------------------------------------------------------
conf_strongswan() {
    _me=$1 _you=$(other "$1")
    {
        printf 'connections {\n  peer {\n    version = %s\n    local_addrs = %s\n    remote_addrs = %s\n' "$VERSION" \
            "$(val ADDR "$_me")" "$(remote_of "$_me")"
        given "$_me" IKE '    proposals = %s\n'
        val SWAN "$_me"
        [ -n "$CERT" ] && _auth=pubkey || _auth=psk
        printf '\n    local {\n      auth = %s\n      id = %s\n' $_auth "$(val ID "$_me")"
        [ -z "$CERT" ] || printf '      certs = %s.pem\n' "$_me"
        printf '    }\n    remote {\n      auth = %s\n      id = %s\n    }\n' $_auth "$(val ID "$_you")"
        printf '    children {\n      net {\n'
        given "$_me" ESP '        esp_proposals = %s\n'
        given "$_me" AH '        ah_proposals = %s\n'
        [ "$MODE" = transport ] && echo '        mode = transport' ||
            printf '        local_ts = %s\n        remote_ts = %s\n' "$(val NET "$_me")" "$(val NET "$_you")"
        val SWAN_CHILD "$_me"
        printf '\n      }\n    }\n  }\n}\nsecrets {\n  ike-peer {\n    id-a = %s\n    id-b = %s\n    secret = "%s"\n  }\n' \
            "$(val ID "$_me")" "$(val ID "$_you")" "$(val PSK "$_me")"
        val SWAN_SECRETS "$_me"
        printf '\n}\n'
        val SWAN_TOP "$_me" # other sections
    } >"$LOGS/$_me.conf"
}
load_strongswan() {
    on "$1" sh -c "mkdir -p /etc/swanctl && rm -f /etc/swanctl/swanctl.conf && cp $LOGS/$1.conf /etc/swanctl/swanctl.conf"
    [ -z "$CERT" ] || on "$1" sh -c "cd /etc/swanctl && mkdir -p x509 x509ca private && cp $LOGS/pki/ca.pem x509ca/ && cp $LOGS/pki/$1.pem x509/ && cp $LOGS/pki/$1.key private/"
    on "$1" swanctl --load-all >"$LOGS/$1.load" 2>&1 || { bad "swanctl --load-all on $1"; cat "$LOGS/$1.load"; }
}
start_strongswan() {
    val SWAN_CHARON "$1" >"$LOGS/$1.charon.conf"
    on "$1" sh -c "rm -f /etc/strongswan.conf; cat $HERE/strongswan.conf $LOGS/$1.charon.conf >/etc/strongswan.conf; rm -f /run/charon.vici /run/charon.pid"
    bg "$1" /usr/lib/ipsec/charon >>"$LOGS/$1.charon" 2>&1
    eval "DAEMON_$1=$BG"
    wait_for 40 test -S "/proc/$(node_pid "$1")/root/run/charon.vici" || { bad "charon on $1 does not answer"; return 1; }
    load_strongswan "$1"
}
swan() { _c=$1; shift; on "$_c" swanctl "$@" >>"$LOGS/$_c.up" 2>&1; }
up_strongswan() { swan "$1" --initiate --child net --timeout 30; }
rekey_child_strongswan() { swan "$1" --rekey --child net; }
rekey_ike_strongswan() { swan "$1" --rekey --ike-id "$(live_ike "$1")"; }
reauth_strongswan() { swan "$1" --rekey --reauth --ike-id "$(live_ike "$1")"; }
down_child_strongswan() { swan "$1" --terminate --child net; }
down_ike_strongswan() { swan "$1" --terminate --ike peer; }
live_ike_strongswan() { on "$1" swanctl --list-sas | sed -n 's/^peer: #\([0-9]*\), ESTABLISHED.*/\1/p' | sort -n | tail -n 1; }
# negotiated NODE TEXT: swanctl --list-sas on a strongSwan node shows it
negotiated() {
    [ "$(kind "$1")" = strongswan ] || return 0
    on "$1" swanctl --list-sas >"$LOGS/$1.sas"
    grep -Fq -- "$2" "$LOGS/$1.sas" && say "$1 negotiated $2" || bad "$1 does not list $2: $(cat "$LOGS/$1.sas")"
}

# --- Libreswan -------------------------------------------------------------
libreswan_words() { sed 's/aes\([0-9]*\)gcm16/aes_gcm\1/g; s/sha256/sha2_256/g; s/sha512/sha2_512/g; s/x25519/dh31/g; s/ecp256/dh19/g; s/ecp384/dh20/g'; }
conf_libreswan() {
    _me=$1 _you=$(other "$1")
    cat >"$LOGS/$_me.conf" <<CONF
config setup
$([ "$VERSION" = 2 ] || echo '    ikev1-policy=accept')
    plutodebug=none

conn peer
    ikev2=$([ "$VERSION" = 2 ] && echo insist || echo no)
    authby=$([ -z "$CERT" ] && echo secret || echo rsasig)
    left=$(val ADDR "$_me")
    leftid=@$(val ID "$_me")
    leftsubnet=$(val NET "$_me")
    right=$(remote_of "$_me")
    rightid=@$(val ID "$_you")
    rightsubnet=$(val NET "$_you")
$(given "$_me" IKE '    ike=%s' | libreswan_words)
$(given "$_me" ESP '    phase2alg=%s' | libreswan_words)
$(given "$_me" AH '    phase2=ah\n    phase2alg=%s' | libreswan_words)
    pfs=${PFS:-yes}
$([ -z "$CERT" ] || printf '    leftcert=%s\n    leftsendcert=always\n    rightca=%%same' "$_me")
$(val LIBRE "$_me")
    auto=ignore
CONF
    printf '@%s @%s : PSK "%s"\n' "$(val ID "$_me")" "$(val ID "$_you")" "$(val PSK "$_me")" >"$LOGS/$_me.secrets"
}
start_libreswan() {
    on "$1" sh -c "
        mkdir -p /run/ov/usr/up /run/ov/usr/work /run/pluto
        mount -t overlay -o lowerdir=$LIBRESWAN/usr:/usr usr /usr
        mkdir -p /etc/ipsec.d/policies /var/lib/ipsec/nss
        cp -r $LIBRESWAN/etc/ipsec.d/. /etc/ipsec.d/
        rm -f /etc/ipsec.conf /etc/ipsec.secrets
        cp $LOGS/$1.conf /etc/ipsec.conf
        cp $LOGS/$1.secrets /etc/ipsec.secrets
        chmod 600 /etc/ipsec.secrets
        ipsec initnss" >"$LOGS/$1.init" 2>&1
    [ -z "$CERT" ] || on "$1" sh -c "
        openssl pkcs12 -export -in $LOGS/pki/$1.pem -inkey $LOGS/pki/$1.key -certfile $LOGS/pki/ca.pem -name $1 -passout pass: -out /run/$1.p12
        pk12util -i /run/$1.p12 -d sql:/var/lib/ipsec/nss -W '' -K ''
        certutil -A -d sql:/var/lib/ipsec/nss -n authority -t CT,, -a -i $LOGS/pki/ca.pem" >>"$LOGS/$1.init" 2>&1
    bg "$1" /usr/libexec/ipsec/pluto --config /etc/ipsec.conf --nofork --stderrlog >"$LOGS/$1.log" 2>&1
    eval "DAEMON_$1=$BG"
    wait_for 20 on "$1" /usr/libexec/ipsec/whack --briefstatus || { bad "pluto on $1 does not answer"; return 1; }
    on "$1" sh -c 'ipsec auto --ready; ipsec auto --add peer' >"$LOGS/$1.load" 2>&1
}
whack() { _c=$1; shift; on "$_c" timeout 30 /usr/libexec/ipsec/whack "$@" >>"$LOGS/$_c.up" 2>&1; }
up_libreswan() { whack "$1" --name peer --initiate; }
down_child_libreswan() { whack "$1" --deletestate "$(newest_libreswan "$1" 'IPsec SA')"; }
down_ike_libreswan() { whack "$1" --name peer --terminate; }
live_ike_libreswan() { newest_libreswan "$1" 'IKE SA'; }
# newest_libreswan NODE "IKE SA"|"IPsec SA": the number of the state in use
newest_libreswan() { on "$1" /usr/libexec/ipsec/whack --showstates | sed -n "s/^000 #\([0-9]*\): .*$2 established.*newest.*/\1/p"; }

# --- OpenIKED --------------------------------------------------------------
conf_iked() {
    _me=$1 _you=$(other "$1") _how=passive
    [ "$BEGINS" != "$_me" ] || _how=active
    _algs='ikesa auth hmac-sha2-256 enc aes-128 prf hmac-sha2-256 group modp2048 childsa auth hmac-sha1 enc aes-128'
    [ "$(val IKE "$_me")" != default ] || _algs=
    cat >"$LOGS/$_me.conf" <<CONF
ikev2 "peer" $_how esp \\
    from $(val NET "$_me") to $(val NET "$_you") \\
    local $(val ADDR "$_me") peer $(val ADDR "$_you") \\
    $_algs \\
    srcid $(val ID "$_me") dstid $(val ID "$_you") psk "$(val PSK "$_me")"
CONF
}
start_iked() {
    modprobe af_key
    on "$1" sh -c "rm -f /etc/iked.conf; cp $LOGS/$1.conf /etc/iked.conf && chmod 600 /etc/iked.conf && mkdir -p /run/iked"
    bg "$1" /usr/sbin/iked -d -v -v >"$LOGS/$1.log" 2>&1
    eval "DAEMON_$1=$BG"
    wait_for 20 on "$1" ikectl show sa || bad "iked on $1 does not answer"
}
up_iked() { wait_for 20 has_sas "$1"; } # begins by itself ("active")
