#!/bin/sh
# SPDX-License-Identifier: ISC
# Signals, and where the log goes: SIGHUP while the configuration is still being read, and a JOURNAL_STREAM that somebody else was
# given.
. "$(dirname "$0")/lib.sh"

echo "--- SIGHUP at the start"
# so much that reading it takes a while
{
    printf '[daemon]\nbackend = none\nsocket = %s\n' "$T/a.vici"
    awk 'BEGIN { for (i = 0; i < 1500; i++) {
        printf "[connection c%d]\nremote = any\nremote-id = c%d\nsecret = s\n", i, i
        for (k = 0; k < 100; k++) printf "[child c%d/%d]\nlocal-net = 10.1.0.0/24, 10.2.0.0/24\n", i, k
    } }'
} >"$T/a.conf"
chmod 600 "$T/a.conf"
# what the daemon does first: from then on a signal waits
holds() { awk '/^SigBlk/ && substr($2, 16) ~ /[13579bdf]/ { held = 1 } END { exit !held }' "/proc/$PID_a/status"; }
nsenter --net=/run/netns/a -- "$IKELIBD" --config "$T/a.conf" >"$T/a.log" 2>&1 &
PID_a=$!
PIDS="$PIDS $PID_a"
for _ in 1 2 3 4 5 6 7 8 9 10; do holds && break; sleep 0.02; done
[ -s "$T/a.log" ] && echo "note: it was ready before the signal"
kill -HUP $PID_a
wait_for 60 grep -q 'read again' "$T/a.log" && ok "it waits until there is something to read again" ||
    bad "after SIGHUP: $(tail -n 1 "$T/a.log")"
has "the start" "$T/a.log" 'is ready'
end a

echo "--- JOURNAL_STREAM"
conf a
: >"$T/a.log"
JOURNAL_STREAM=1:2
export JOURNAL_STREAM
begin a
end a
has "a file" "$T/a.log" '^[0-9:]{8}\.[0-9]{3} info .*is ready'
lacks "a file" "$T/a.log" '^<[0-9]>'
: >"$T/a.log"
JOURNAL_STREAM=$(stat -c %d:%i "$T/a.log")
begin a
end a
has "the file it names" "$T/a.log" '^<6>ikelibd .*is ready'
lacks "the file it names" "$T/a.log" '^[0-9:]{8}'
unset JOURNAL_STREAM

echo "--- wrong usage"
on a "$IKELIBD" --config "$T/nothere.conf" --backend foo >"$T/out" 2>&1
_rc=$?
[ $_rc = 2 ] && has "--backend foo" "$T/out" 'expected auto, xfrm, pfkey, userspace or none' || bad "status $_rc: $(cat "$T/out")"
lacks "--backend foo" "$T/out" nothere
"$IKELIBD" -h | grep -q '^usage: ikelibd' && ok "-h" || bad "-h is not known"
finish
