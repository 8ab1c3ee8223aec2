#!/bin/sh
# SPDX-License-Identifier: ISC
# What clients hear of the life of SAs: Debian's swanctl --monitor-sa, a VICI client of another language (vici.py), ikelibctl log,
# and the counters of ikelibctl stats.
. "$(dirname "$0")/lib.sh"
command -v swanctl >/dev/null || skip "swanctl is not installed (see tests/install)"

# listen HOST NAME COMMAND...: its output goes to $T/NAME from now on
listen() {
    _h=$1 _name=$2
    shift 2
    nsenter --net="/run/netns/$_h" -- "$@" >"$T/$_name" 2>&1 &
    eval "LISTENER_$_name=$!"
    PIDS="$PIDS $!"
}
events="ike-updown ike-rekey child-updown child-rekey"
# shellcheck disable=SC2086 # words
follow() { # follow HOST NAME
    listen "$1" "$2" "$(dirname "$0")/vici.py" "$T/$1.vici" $events
    wait_for 10 grep -q registered "$T/$2" || bad "vici.py on $1 is not served: $(cat "$T/$2")"
}
# in_order WHAT FILE PATTERN...: the lines match one after the other, and there are no others
in_order() {
    _what=$1 _file=$2 _n=0
    shift 2
    for _p; do
        _n=$((_n + 1))
        sed -n "${_n}p" "$_file" | grep -Eq -- "$_p" && continue
        bad "$_what: line $_n is not /$_p/"
        sed 's/^/     /' "$_file"
        return
    done
    [ "$(wc -l <"$_file")" = $_n ] && ok "$_what: $_n, as they should be" && return
    bad "$_what: more than $_n"
    sed 's/^/     /' "$_file"
}
# brief FILE: what vici.py wrote, one line an event: its name, up or not, SA and child with state, old and new ones
cat >"$T/brief.py" <<'PY'
import json, sys
def one(s): return f"#{s['uniqueid']} {s['state']}"
for line in open(sys.argv[1]):
    e = json.loads(line)
    if e["event"] == "registered":
        continue
    m = e["message"]
    words = [e["event"]] + (["up"] if m.pop("up", "no") == "yes" else [])
    (conn, sa), = m.items()
    words.append(conn)
    words += [f"old {one(sa['old'])} new {one(sa['new'])}"] if "old" in sa else [one(sa)]
    if "old" in sa and sa["old"]["initiator-spi"] == sa["new"]["initiator-spi"]:
        words.append("with the same SPI")
    for name, c in sa.get("child-sas", {}).items():
        words.append(f"child {name} old {one(c['old'])} new {one(c['new'])}" if "old" in c else f"child {name} {one(c)}")
        if "old" in c and c["old"]["spi-in"] == c["new"]["spi-in"]:
            words.append("with the same SPI")
    print(*words)
PY
brief() { python3 "$T/brief.py" "$T/$1" >"$T/$1.brief" 2>&1 || bad "$1: $(tail -n 1 "$T/$1.brief")"; }
logged() { grep -q -- "$2" "$T/$1"; }

conf a; conf b
begin a; begin b
for h in a b; do
    follow $h ${h}_vici
    listen $h ${h}_swan stdbuf -oL swanctl --monitor-sa --raw --uri "unix://$T/$h.vici"
done
listen a a_pretty stdbuf -oL swanctl --monitor-sa --uri "unix://$T/a.vici"
listen a a_log "$IKELIBCTL" --socket "$T/a.vici" log
listen a a_json "$IKELIBCTL" --socket "$T/a.vici" --json log
listen a a_level "$IKELIBCTL" log --socket "$T/a.vici" --json --level 0
# one socket that listens and one for each client
connected() { [ "$(on "$1" grep -c "$T/$1.vici" /proc/net/unix)" = "$2" ]; }
wait_for 10 connected a 7 && wait_for 10 connected b 3 || bad "not all clients are connected"
sleep 0.5 # they register at once, but swanctl and ikelibctl log do not say when they have
ctl a stats >"$T/before" || bad "stats: $(cat "$T/before")"

echo "--- up, rekey of both, down of both"
ctl a up peer >"$T/out" 2>&1 || bad "up: $(cat "$T/out")"
ctl a -v rekey --child peer >"$T/out" 2>&1 || bad "rekey --child: $(cat "$T/out")"
has "rekey --verbose" "$T/out" 'sent CREATE_CHILD_SA request, message id [0-9]+, [0-9]+ octets to ' 'received CREATE_CHILD_SA response'
ctl a rekey --ike peer >"$T/out" 2>&1 || bad "rekey --ike: $(cat "$T/out")"
ctl a stats >"$T/stats"; ctl a --json stats >"$T/stats.json"
ctl a down --child peer >"$T/out" 2>&1 || bad "down --child: $(cat "$T/out")"
ctl a down peer >"$T/out" 2>&1 || bad "down: $(cat "$T/out")"
for f in a_vici b_vici; do wait_for 10 logged $f '"ike-updown".*DELETING' || bad "$f: the end of the IKE SA is not told"; done
for h in a b; do
    brief ${h}_vici
    in_order "events of $h" "$T/${h}_vici.brief" '^ike-updown up peer #1 ESTABLISHED$' \
        '^child-updown up peer #1 ESTABLISHED child peer-1 #1 INSTALLED$' \
        '^child-rekey peer #1 ESTABLISHED child peer old #1 REKEYED new #2 INSTALLED$' \
        '^ike-rekey peer old #1 REKEYED new #2 ESTABLISHED$' \
        '^child-updown peer #2 ESTABLISHED child peer-2 #2 DELETING$' '^ike-updown peer #2 DELETING$'
    # this swanctl registers for the two only
    wait_for 10 logged ${h}_swan 'ike-updown.*DELETING'
    in_order "swanctl on $h" "$T/${h}_swan" '^ike-updown event \{up=yes peer \{uniqueid=1 .*state=ESTABLISHED' \
        '^child-updown event \{up=yes peer \{.*child-sas \{peer-1 \{name=peer uniqueid=1 .*state=INSTALLED' \
        '^child-updown event \{peer \{.*child-sas \{peer-2 \{name=peer uniqueid=2 .*state=DELETING' \
        '^ike-updown event \{peer \{uniqueid=2 .*state=DELETING'
done
has "swanctl, in its own words" "$T/a_pretty" '^peer: #1, ESTABLISHED, IKEv2, [0-9a-f]{16}_i\*' \
    'peer: #1, reqid [0-9]+, INSTALLED, TUNNEL' 'peer: #2, .*DELETING'

echo "--- a client that comes when the SAs are there, and nobody else has asked"
kill "$LISTENER_b_vici" "$LISTENER_b_swan"
wait "$LISTENER_b_vici" "$LISTENER_b_swan" 2>/dev/null
ctl a up peer >"$T/out" 2>&1 || bad "up: $(cat "$T/out")"
follow b late
ctl a down peer >"$T/out" 2>&1 || bad "down: $(cat "$T/out")"
wait_for 10 logged late '"ike-updown".*DELETING'
brief late
in_order "it is told who ended" "$T/late.brief" '^child-updown peer #[0-9]+ ESTABLISHED child peer-[0-9]+ #[0-9]+ DELETING$' \
    '^ike-updown peer #[0-9]+ DELETING$'
grep child-updown "$T/late" >"$T/late.child"
has "with its name, SPIs and networks" "$T/late.child" '"remote-id": "a\.ike\.test"' '"spi-in": "[0-9a-f]{8}"' \
    '"remote-ts": \["10\.66\.1\.0/24"\]'

echo "--- an attempt that fails has no SA events"
conf a "secret = another one"
ctl a reload >"$T/out" 2>&1 || bad "reload: $(cat "$T/out")"
ctl a up peer >"$T/out" 2>&1 && bad "up with a wrong secret"
sleep 0.3
brief a_vici
[ "$(wc -l <"$T/a_vici.brief")" = 10 ] && ok "none" || bad "$(tail -n 1 "$T/a_vici.brief")"

echo "--- log"
wait_for 5 logged a_log 'AUTHENTICATION_FAILED\|refused'
has "log" "$T/a_log" '^[0-9:]{8} .*peer: IKE SA #1 with .* is up' 'peer/peer: child #1 is up' 'IKE SA #2 replaces #1' \
    'peer: IKE SA #2 is down'
python3 - "$T/a_json" "$T/a_level" <<'PY' && ok "log --json: one object a line, --level 0 what matters only" || bad "log --json"
import json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
assert all(set(l) == {"time", "level", "group", "conn", "sa", "text"} for l in lines), lines[0]
up = [l for l in lines if l["text"].startswith("peer: IKE SA #1 with ")]
assert len(up) == 1 and up[0]["conn"] == "peer" and up[0]["sa"] == 1 and up[0]["level"] == 1, up
quiet = [json.loads(l) for l in open(sys.argv[2])]
assert quiet and all(l["level"] == 0 for l in quiet), quiet
assert [l["text"] for l in quiet] == [l["text"] for l in lines if l["level"] == 0]
PY

echo "--- stats"
has "before" "$T/before" '^ikesas$' '^  total +0$' '^  handshakes +0$' '^backend +none$'
has "after" "$T/stats" '^  total +1$' '^child-sas +1$' '^  handshakes +1$' '^  rekeys +2$' '^  failures +0$' \
    '^  datagrams-out +[1-9]'
python3 - "$T/stats.json" <<'PY' && ok "stats --json: the same" || bad "stats --json: $(cat "$T/stats.json")"
import json, sys
s = json.load(open(sys.argv[1]))
assert s["schema"] == 1 and s["ikesas"] == {"total": 1, "half-open": 0} and s["child-sas"] == 1
assert s["counters"]["handshakes"] == 1 and s["counters"]["rekeys"] == 2 and s["uptime"]["seconds"] >= 0
PY
ctl a stats | grep -q '^  failures  *1$' && ok "the failure is counted" || bad "the failure is not counted"

echo "--- log levels"
lacks "stderr has its own level" "$T/a.log" ' (debug|trace) '
python3 - "$T/a_json" <<'PY' && ok "log: what the engine only says when it is asked" || bad "log has nothing below info"
import json, sys
text = {level: [l["text"] for l in map(json.loads, open(sys.argv[1])) if l["level"] == level] for level in (2, 3)}
assert any(t.startswith("sent IKE_AUTH request") for t in text[2]), text[2][:5]
assert any("its payloads: " in t for t in text[3]), text[3][:5]
PY
kill "$LISTENER_a_log" "$LISTENER_a_json" "$LISTENER_a_level"
wait "$LISTENER_a_json" "$LISTENER_a_level" "$LISTENER_a_log" 2>/dev/null
on a swanctl --initiate --child peer --loglevel 2 --timeout 10 --uri "unix://$T/a.vici" >"$T/out" 2>&1
has "a command's own lines, when nobody else listens" "$T/out" 'sent IKE_SA_INIT request'
lacks "a command's own lines" "$T/out" 'its payloads'
lacks "stderr has its own level" "$T/a.log" ' (debug|trace) '
listen a a_log "$IKELIBCTL" --socket "$T/a.vici" log --level 1
conf a "secret = another one"
sed -i 's/^socket = .*/&\nlog = debug\nport = 501/' "$T/a.conf"
ctl a reload >"$T/out" 2>&1 || bad "reload: $(cat "$T/out")"
has "reload" "$T/a.log" '\[daemon\] port changed: it counts from the next start'
ctl a up peer >"$T/out" 2>&1
has "log = debug counts at once" "$T/a.log" ' debug sent IKE_SA_INIT request'

end a; end b
# who listens ends with the daemon: ikelibctl says so, and its status is that of a daemon that is not there
wait "$LISTENER_a_log"
[ $? = 3 ] && has "ikelibctl log" "$T/a_log" 'the daemon closed the connection' || bad "ikelibctl log does not end with status 3"
finish
