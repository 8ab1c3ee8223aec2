#!/bin/sh
# SPDX-License-Identifier: ISC
# Why it did not work: ikelibctl explain on both sides of each cause that needs no kernel (the kernel's refusal is
# tests/interop/scenarios/kernel-refusal). Each side says what it can know, and never blames the wrong party.
. "$(dirname "$0")/lib.sh"
DAEMON="retransmit-first = 300ms
retransmit-tries = 2"

# case CAUSE LINES-OF-A LINES-OF-B: a begins, and what both sides then say is in $T/a.explain and $T/b.explain
attempt() {
    echo "--- $1"
    conf a "$2"; conf b "$3"
    begin a; begin b
    ctl a up peer >"$T/up" 2>&1 && bad "$1: up says it worked" || ok "$1: up fails: $(head -n 1 "$T/up" | cut -c1-100)"
    for h in a b; do
        ctl $h explain >"$T/$h.explain" 2>&1 || true
        sed "s/^/     $h: /" "$T/$h.explain"
    done
    end a; end b
}

attempt "wrong secret" "secret = first-pass-phrase" "secret = second-pass-phrase"
has "a, initiator" "$T/a.explain" 'refused|AUTHENTICATION_FAILED' 'peer'
lacks "a cannot know why" "$T/a.explain" 'secrets? (differ|is wrong|are different)|wrong-secret'
has "b, responder" "$T/b.explain" 'secret'
lacks "b does not show the secret" "$T/b.explain" 'pass-phrase'

attempt "no common proposal" "proposals = aes256-sha256-modp2048" "proposals = aes256-sha256-ecp256"
has "a, initiator" "$T/a.explain" 'peer' 'NO_PROPOSAL_CHOSEN|proposal'
has "b, responder" "$T/b.explain" 'expected.*ecp256' 'received.*modp2048' 'remedy: +.*add modp2048 to .proposals.'

attempt "no common ESP proposal" "esp-proposals = aes256gcm16" "esp-proposals = chacha20poly1305"
has "a, initiator" "$T/a.explain" 'proposal'
has "b, responder" "$T/b.explain" 'expected.*chacha20poly1305' 'received.*aes256gcm16' 'remedy: +add aes256gcm16 to .*esp-proposals'

attempt "the identity is another one" "local-id = carol.ike.test" ""
has "a, initiator" "$T/a.explain" 'peer' 'refused|AUTHENTICATION_FAILED'
has "b, responder" "$T/b.explain" 'expected.*a\.ike\.test' 'received.*carol\.ike\.test' 'remote-id|local-id'

attempt "no common selectors" "remote-net = 10.77.0.0/24" ""
has "a, initiator" "$T/a.explain" 'TS_UNACCEPTABLE|selector'
has "b, responder" "$T/b.explain" 'expected.*10\.66\.2\.0/24' 'received.*10\.77\.0\.0/24' 'local-net|remote-net'

echo "--- silent peer"
conf a; begin a
ctl a up peer >"$T/up" 2>&1 && bad "silence: up says it worked" || ok "silence: up fails: $(head -n 1 "$T/up" | cut -c1-100)"
ctl a explain >"$T/a.explain" 2>&1 || true
sed "s/^/     a: /" "$T/a.explain"
has "a" "$T/a.explain" 'answer' '10\.66\.0\.2'
has "a blames nobody" "$T/a.explain" 'decided: +nobody'
lacks "a blames nobody" "$T/a.explain" 'the peer refused|this side refused'
ctl a --json explain >"$T/json" 2>&1 && python3 -m json.tool "$T/json" >/dev/null && ok "explain --json is JSON" || bad "explain --json: $(cat "$T/json")"
ctl a up peer >"$T/up" 2>&1 && bad "silence: a second up says it worked"
ctl a explain >"$T/a.explain" 2>&1
has "head and body count alike" "$T/a.explain" '^peer/peer, .* ago, 2 times in a row:' 'so far: +2 times in a row'

echo "--- a connection that is not there"
for o in "" --json; do
    # shellcheck disable=SC2086 # an option or nothing
    ctl a $o explain pear >"$T/out" 2>&1
    [ $? = 1 ] && ok "status 1" || bad "explain of no connection: status is not 1"
    has "explain $o pear" "$T/out" '^ikelibctl: no connection pear$'
    lacks "explain $o pear" "$T/out" 'no attempt has failed|schema'
done
end a

echo "--- all is well"
conf a; conf b; begin a; begin b
ctl a up peer >"$T/up" 2>&1 && ok "up works" || bad "up: $(cat "$T/up")"
ctl a explain >"$T/a.explain" 2>&1
lacks "nothing to explain" "$T/a.explain" 'expected|refused'
ctl a explain peer >"$T/a.explain" 2>&1 && has "nothing to explain" "$T/a.explain" '^peer: no attempt has failed$'
end a; end b
finish
