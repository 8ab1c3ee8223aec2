#!/bin/sh
# SPDX-License-Identifier: ISC
# The program ikelibctl decode on captures that others made, with the keys they published: what can be seen with them and not
# without, text and JSON, gzip, damaged files, and the options before and behind the command. Needs no daemon.
. "$(dirname "$0")/lib.sh"
C=$LIBIKE_VECTORS/captures/wireshark
[ -n "$LIBIKE_VECTORS" ] || skip "LIBIKE_VECTORS is not set"
[ -f "$C/keys.json" ] || skip "$C/keys.json is not there"
KEYS=$C/ikev2_decryption_table
KEYS1=$C/ikev1_decryption_table

# decode STATUS ARGUMENT...: its output in $T/out, what it says in $T/err
decode() {
    _want=$1
    shift
    "$IKELIBCTL" "$@" >"$T/out" 2>"$T/err"
    _rc=$?
    [ $_rc = "$_want" ] || bad "ikelibctl $*: status $_rc, not $_want: $(tail -n 1 "$T/err")"
}
# objects: each line of the output is one object of JSON, and there are as many as the summary counts
objects() {
    python3 - "$T/out" <<'PY'
import json, sys
lines = open(sys.argv[1]).read().splitlines()
bad = [l for l in lines if json.loads(l)["kind"] != "IKE" or json.loads(l)["message"]["name"] != "IKE message"]
sys.exit(f"not an IKE message: {bad[0]}" if bad else 0)
PY
    [ $? = 0 ] && [ "$(wc -l <"$T/out")" = "$(summary)" ]
}
summary() { sed -n 's/.*frames: \([0-9]*\) IKE messages.*/\1/p' "$T/err"; }
# whole WHAT: nothing in it was malformed, and no keys failed to fit
whole() { has "$1" "$T/err" ' IKE messages \(0 malformed, 0 with keys that do not fit\)'; }
shows() { if grep -Fq -- "$2" "$T/out"; then ok "$1: $2"; else bad "$1: no $2"; fi; }
hides() { if grep -Fq -- "$2" "$T/out"; then bad "$1: shows $2"; else ok "$1: nothing of it"; fi; }

# keys.json as lines: file, version, value that only decryption shows
python3 -c 'import json, sys
for f, k in sorted(json.load(open(sys.argv[1])).items()):
    if "version" in k["keys"][0]:
        print(f, k["keys"][0]["version"], k["expected_value"])' "$C/keys.json" >"$T/list" || bad "keys.json cannot be read"
[ "$(grep -c ' 2 ' "$T/list")" -ge 4 ] || bad "keys.json has fewer than four captures of IKEv2"
[ "$(grep -c ' 1 ' "$T/list")" -ge 2 ] || bad "keys.json has fewer than two captures of IKEv1"

while read -r file version value; do
    echo "--- $file"
    decode 0 decode "$C/$file"
    whole "without keys"
    hides "without keys" "$value"
    decode 0 decode --json "$C/$file"
    objects && ok "JSON: $(summary) messages" || bad "JSON: not one object a message"
    hides "JSON without keys" "$value"
    if [ "$version" = 1 ]; then
        decode 0 decode "$C/$file"
        has "IKEv1 in clear" "$T/out" '^ +initiator cookie: [0-9a-f]{16}$' 'exchange type: 2 \(Identity Protection\)' \
            'payload SA' 'value: [0-9]+ \(MODP-1024\)'
        sealed=$(grep -c '\[encrypted' "$T/out")
        decode 0 decode "$C/$file" --keys "$KEYS1"
        if grep -q 'value: 1 (MD5)' "$T/out" && [ "$(build IKE_LEGACY)" = OFF ]; then
            ok "left out: MD5 is not in this build"
            continue
        fi
        whole "with the key"
        [ "$(grep -c '^ *decrypted$' "$T/out")" = "$sealed" ] && ok "all $sealed are open" || bad "not all of $sealed are open"
        # a text stands there as octets
        hex=$(printf %s "$value" | od -An -tx1 | tr -d ' \n')
        grep -q "$value" "$T/out" || value=$hex
        shows "with the key" "$value"
        decode 0 decode "$C/$file" --keys "$KEYS1" --json
        objects && ok "JSON with the key: $(summary) messages" || bad "JSON with the key: not one object a message"
        shows "JSON with the key" "$value"
        cat "$KEYS" "$KEYS1" >"$T/both"
        decode 0 decode "$C/$file" --keys "$T/both"
        shows "with both tables in one" "$value"
        sed 's/,......../,00000000/' "$KEYS1" >"$T/wrong.keys"
        decode 0 decode "$C/$file" --keys "$T/wrong.keys"
        has "a wrong key" "$T/err" "\(0 malformed, $sealed with keys that do not fit\)"
        hides "a wrong key" "$value"
        continue
    fi
    has "in clear" "$T/out" 'IKE_SA_INIT' 'IKE_AUTH'
    decode 0 decode "$C/$file" --keys "$KEYS"
    whole "with keys"
    shows "with keys" "$value"
    decode 0 decode "$C/$file" --keys "$KEYS" --json
    objects && ok "JSON with keys: $(summary) messages" || bad "JSON with keys: not one object a message"
    shows "JSON with keys" "$value"
done <"$T/list"

echo "--- gzip"
read -r file version value <<LINE
$(grep -m1 ' 2 ' "$T/list")
LINE
gzip -c "$C/$file" >"$T/whole.gz"
decode 0 decode "$T/whole.gz" --keys "$KEYS"
shows "packed" "$value"
gzip -c "$KEYS" >"$T/keys.gz"
decode 0 decode "$T/whole.gz" --keys "$T/keys.gz"
shows "packed keys" "$value"
for n in 5 20; do # in its checksum; in the data
    head -c -$n "$T/whole.gz" >"$T/short.gz"
    decode 1 decode "$T/short.gz"
    has "$n octets cut off" "$T/err" 'short\.gz: .*unexpected end of file'
done
head -c -20 "$T/keys.gz" >"$T/short.keys.gz"
decode 1 decode "$C/$file" --keys "$T/short.keys.gz"
has "packed keys, cut off" "$T/err" 'short\.keys\.gz: .*unexpected end of file'

echo "--- damaged files"
head -c 700 "$C/$file" >"$T/short.pcap"
decode 1 decode "$T/short.pcap"
has "cut off" "$T/err" 'short\.pcap: damaged after frame [1-9]'
has "what was whole is shown" "$T/out" 'IKE_SA_INIT'
decode 1 --json decode "$T/short.pcap"
objects && ok "so it is as JSON" || bad "a damaged file makes bad JSON"
echo "this is none" >"$T/text"
decode 1 decode "$T/text"
has "no capture" "$T/err" 'text: not a pcap or pcapng file'
: >"$T/empty"
decode 1 decode "$T/empty"
has "an empty file" "$T/err" 'empty: not a pcap or pcapng file'
decode 1 decode "$T/nothere.pcap"
has "no file" "$T/err" 'nothere\.pcap: No such file'
decode 1 decode "$C/$file" --keys "$T/nothere.keys"
has "no keys" "$T/err" 'nothere\.keys: No such file'
decode 0 decode "$C/$file" --keys "$T/text"
has "keys that are none" "$T/err" 'text:1: not a row of a decryption table'
sed 's/",[0-9a-f]\{8\}/",00000000/' "$KEYS" >"$T/wrong.keys" # SK_ai
decode 0 decode "$C/$file" --keys "$T/wrong.keys"
has "wrong keys" "$T/err" '\([0-9]+ malformed, [1-9][0-9]* with keys that do not fit\)'
hides "wrong keys" "$value"

echo "--- the order of options"
decode 0 decode "$C/$file" --keys "$KEYS" --json
cp "$T/out" "$T/want"
for words in "--json decode $C/$file --keys $KEYS" "decode --json $C/$file --keys $KEYS" "--keys $KEYS --json decode $C/$file" \
    "decode --keys=$KEYS $C/$file --json" "--socket $T/x --json --keys $KEYS decode $C/$file"; do
    # shellcheck disable=SC2086 # words
    decode 0 $words
    cmp -s "$T/out" "$T/want" && ok "$(echo "$words" | sed "s|$C/||g; s|$T/||g")" || bad "$words: another output"
done
decode 0 decode "$C/$file" --port 501
has "another port" "$T/err" ' 0 IKE messages'
decode 2 decode
has "no file named" "$T/err" 'decode needs a capture'
decode 2 decode "$C/$file" "$T/text"
has "two files" "$T/err" 'too many arguments'
decode 2 decode "$C/$file" --port 65536
has "a port that is none" "$T/err" '--port needs .*65536'
decode 2 decode "$C/$file" --prot 500
decode 3 --json --socket "$T/nobody.vici" status
decode 3 status --json --socket "$T/nobody.vici"
has "the other commands, both ways" "$T/err" 'nobody\.vici'
finish
