#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Each command of the control socket, asked for by a client that knows strongSwan's description of the protocol and nothing
else: what it names and nothing it does not name, but for our own additions, which daemon/ui/README.md lists.

    fields.py SOCKET up|v1|silent|closed"""
import re
import sys
import time

import vici

NUMBER, YES, TEXT, SPI, HEX16 = r"\d+", "yes", r".+", r"[0-9a-f]{8}", r"[0-9a-f]{16}"
HOST, NET, ANY = r"10\.66\.0\.[12]", r"10\.66\.[12]\.0/24", r".*"
# A value: its pattern; a list: [pattern of each]; a section: a dict, in which "*" is any other name. A key with ? need not be there.
SUCCESS = {"success": "yes"}
FAILURE = {"success": "no", "errmsg": TEXT}
PRIORITIES = {key: NUMBER for key in ("critical", "high", "medium", "low")}
VERSION = {"daemon": "ikelibd", "version": TEXT, "sysname": "Linux", "release": TEXT, "machine": TEXT}
STATS = {
    "uptime": {"running": r"\d+ (days|hours|minutes|seconds)", "since": TEXT, "seconds": NUMBER},
    "workers": {"total": NUMBER, "idle": NUMBER, "active": PRIORITIES}, "queues": PRIORITIES, "scheduled": NUMBER,
    "ikesas": {"total": NUMBER, "half-open": NUMBER}, "plugins": [TEXT],
    "mallinfo?": {"sbrk": NUMBER, "mmap": NUMBER, "used": NUMBER, "free": NUMBER},
    # ours
    "child-sas": NUMBER, "backend": TEXT, "counters": {"*": NUMBER}, "data-plane": {"*": NUMBER}, "drops": {"*": NUMBER}}
CHILD = {
    "name": "peer", "uniqueid": NUMBER, "reqid": NUMBER, "state": "INSTALLED", "mode": "TUNNEL", "protocol": "ESP", "encap?": YES,
    "spi-in": SPI, "spi-out": SPI, "encr-alg": r"[A-Z0-9_]+", "encr-keysize?": NUMBER, "integ-alg?": r"HMAC_[A-Z0-9_]+",
    "dh-group?": r"[A-Z0-9_]+", "esn?": "1", "bytes-in": NUMBER, "packets-in": NUMBER, "use-in?": NUMBER, "bytes-out": NUMBER,
    "packets-out": NUMBER, "use-out?": NUMBER, "rekey-time": NUMBER, "life-time": NUMBER, "install-time": NUMBER,
    "local-ts": [NET], "remote-ts": [NET]}
SA = {
    "uniqueid": NUMBER, "version": "2", "state": "ESTABLISHED", "local-host": HOST, "local-port": NUMBER, "local-id": r"[ab]\.ike\.test",
    "remote-host": HOST, "remote-port": NUMBER, "remote-id": r"[ab]\.ike\.test", "initiator?": YES, "initiator-spi": HEX16,
    "responder-spi": HEX16, "encr-alg": r"[A-Z0-9_]+", "encr-keysize?": NUMBER, "integ-alg?": r"HMAC_[A-Z0-9_]+",
    "prf-alg": r"PRF_[A-Z0-9_]+", "dh-group": r"[A-Z0-9_]+", "established": NUMBER, "rekey-time": NUMBER, "last-in?": NUMBER,
    "child-sas": {"*": CHILD}}
AUTH = {"id?": r"[ab]\.ike\.test", "class": "pre-shared key", "groups": [TEXT], "cert_policy": [TEXT], "certs": [TEXT], "cacerts": [TEXT]}
CONN = {
    "local_addrs": [HOST], "remote_addrs": [HOST], "version": "IKEv2", "reauth_time": "0", "rekey_time": NUMBER,
    "unique": "UNIQUE_(REPLACE|NEVER)", "dpd_delay?": NUMBER, "dpd_timeout?": NUMBER, "local-1": AUTH, "remote-1": AUTH,
    "children": {"peer": {
        "mode": "TUNNEL", "rekey_time": NUMBER, "rekey_bytes": NUMBER, "rekey_packets": NUMBER, "dpd_action": "none|restart|trap",
        "close_action": "none|start|trap", "local-ts": [NET], "remote-ts": [NET], "start": TEXT, "proposals?": TEXT}},
    # ours
    "source": TEXT, "sas": NUMBER, "wanted": "yes|no", "attempts": NUMBER, "retry-time?": NUMBER, "failure?": {"*": ANY}}
LOG = {"group": r"[A-Z]{3}", "level": r"-?[0-4]", "msg": TEXT, "ikesa-name?": "peer", "ikesa-uniqueid?": NUMBER}

failed = False


def check(what, good, why=""):
    global failed
    print("ok  " if good else "FAIL", what, "" if good else why)
    failed |= not good


def mismatch(want, got, at):
    """What is wrong with it, or None."""
    if isinstance(want, str):
        return None if isinstance(got, str) and re.fullmatch(want, got) else f"{at} is {got!r}"
    if isinstance(want, list):
        return next((m for v in got if (m := mismatch(want[0], v, at))), None) if isinstance(got, list) else f"{at} is no list"
    if not isinstance(got, dict):
        return f"{at} is no section"
    names = {key.rstrip("?"): key for key in want}
    missing = [key for key in want if not key.endswith("?") and key != "*" and key not in got]
    if missing:
        return f"{at} has no {missing[0]}"
    for key, value in got.items():
        rule = want.get(names.get(key, "*"))
        if rule is None:
            return f"{at} has {key}, which nobody has described"
        if m := mismatch(rule, value, f"{at}.{key}"):
            return m
    return None


def conforms(what, want, got):
    m = mismatch(want, got, what)
    check(what, m is None, m)
    return got


def unknown(what, ask):
    try:
        ask()
        check(what, False, "it is known")
    except vici.Unknown:
        check(what, True)


def sas(c, **filters):
    return c.call("list-sas", stream="list-sa", **filters)[1]


def children(c):
    """Those that carry traffic: in IKEv1 what was replaced stays for a while."""
    return [k for s in sas(c) for k in s["peer"]["child-sas"].values() if k["state"] == "INSTALLED"]


def timed(ask):
    begin = time.monotonic()
    answer, _ = ask()
    return answer, time.monotonic() - begin


# Each of what fields.sh asks for has its state of the two hosts.


def up(c, sa):
    conforms("version", VERSION, c.call("version")[0])
    conforms("stats", STATS, c.call("stats")[0])
    conforms("get-conns", {"conns": ["peer"]}, c.call("get-conns")[0])
    answer, conns = c.call("list-conns", stream="list-conn")
    check("list-conns: one, and an empty response", len(conns) == 1 and answer == {}, (conns, answer))
    conforms("list-conn", {"peer": CONN}, conns[0])
    check("list-conns: of a name that nobody has", c.call("list-conns", stream="list-conn", ike="nobody") == ({}, []))
    check("list-sas: none yet", sas(c) == [])
    unknown("a command that does not exist", lambda: c.call("load-nothing"))
    unknown("an event that does not exist", lambda: c.register("no-such-event"))
    conforms("initiate: nobody", FAILURE, c.call("initiate", child="nobody")[0])
    answer, lines = c.call("initiate", stream="control-log", child="peer", ike="peer", timeout=10000, loglevel=2, init_limits="no")
    conforms("initiate", SUCCESS, answer)
    check("initiate: says how it goes", len(lines) > 2, lines)
    for line in lines:
        if m := mismatch(LOG, line, "control-log"):
            check("control-log", False, m)
    got = sas(c, noblock="yes")
    check("list-sas: one", len(got) == 1, got)
    conforms("list-sa", {"peer": sa}, got[0])
    it = got[0]["peer"]
    check("list-sa: whose it is", it["local-id"] == "a.ike.test" and it["remote-id"] == "b.ike.test" and it.get("initiator") == "yes", it)
    name, child = next(iter(it["child-sas"].items()))
    check("child-sas: the name has the number behind it", name == f"peer-{child['uniqueid']}", name)
    for which, filters, n in (("ike", {"ike": "peer"}, 1), ("ike", {"ike": "nobody"}, 0), ("ike-id", {"ike_id": it["uniqueid"]}, 1),
                              ("ike-id", {"ike_id": 4711}, 0)):
        check(f"list-sas: by {which} {next(iter(filters.values()))}", len(sas(c, **filters)) == n)
    answer, _ = c.call("rekey", child_id=child["uniqueid"])
    conforms("rekey: a child", {**SUCCESS, "matches": "1"}, answer)
    check("rekey: the child is another", [k["spi-in"] != child["spi-in"] for k in children(c)] == [True], children(c))
    conforms("rekey: none", {**FAILURE, "matches": "0"}, c.call("rekey", child_id=4711)[0])
    answer, _ = c.call("rekey", ike="peer", reauth="yes")
    conforms("rekey: reauth", {**SUCCESS, "matches": "1"}, answer)
    now = [s["peer"] for s in sas(c) if s["peer"]["state"] == "ESTABLISHED"]
    check("rekey: reauth gives another IKE SA", [s["initiator-spi"] != it["initiator-spi"] for s in now] == [True], now)
    check("rekey: reauth leaves one child", len(children(c)) == 1, children(c))
    conforms("terminate: none", {**FAILURE, "matches": "0", "terminated": "0"}, c.call("terminate", child="nobody")[0])
    answer, _ = c.call("terminate", child="peer", timeout=10000)
    conforms("terminate: a child", {**SUCCESS, "matches": "1", "terminated": "1"}, answer)
    check("terminate: the child is gone", children(c) == [])
    check("terminate: the IKE SA stays", [s["peer"]["state"] for s in sas(c)][-1:] == ["ESTABLISHED"], sas(c))
    conforms("reload-settings", SUCCESS, c.call("reload-settings")[0])
    conforms("initiate again", SUCCESS, c.call("initiate", ike="peer", timeout=10000)[0])


def silent(c, _):
    """The peer has fallen silent; it is known to be up here."""
    answer, took = timed(lambda: c.call("terminate", ike="peer", timeout=300))
    conforms("terminate: no answer in time", {**FAILURE, "matches": "1", "terminated": "0"}, answer)
    check("terminate: when the time is over", 0.25 < took < 5, took)
    check("list-sas: it waits", [s["peer"]["state"] for s in sas(c)] == ["DELETING"], sas(c))
    answer, took = timed(lambda: c.call("terminate", ike="peer", force="yes", timeout=700))
    conforms("terminate: by force when the time is over", {**SUCCESS, "matches": "1", "terminated": "1"}, answer)
    check("terminate: not before", 0.65 < took < 5, took)
    check("list-sas: it is gone", sas(c) == [])


def closed(c, _):
    """The same, with force at once."""
    answer, took = timed(lambda: c.call("terminate", ike="peer", force="yes"))
    conforms("terminate: by force at once", {**SUCCESS, "matches": "1", "terminated": "1"}, answer)
    check("terminate: at once", took < 1, took)
    check("list-sas: it is gone", sas(c) == [])


def v1(c, sa):
    CONN["version"] = "IKEv1"
    up(c, {**sa, "version": "1"})


if __name__ == "__main__":
    {"up": up, "v1": v1, "silent": silent, "closed": closed}[sys.argv[2]](vici.Client(sys.argv[1]), SA)
    sys.exit(failed)
