#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""That ike-bench runs, counts what it lists, and writes what docs/performance.md says. No time is judged.

    smoke.py IKE-BENCH COMMAND        or: smoke.py COMPARE daemons
"""
import json
import os
import subprocess
import sys
import tempfile

FIRST = "psk-x25519-aes-gcm"


def rows(bench, command, *options):
    out = subprocess.run([bench, command, *options, "--json"], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def positive(row, *keys):
    for key in keys:
        assert row[key] > 0, (key, row)


def handshake(bench):
    got = rows(bench, "handshake", "--seconds", "0")
    assert got and got[0]["suite"] == FIRST, "the first row is not " + FIRST
    suites = {row["suite"] for row in got}
    assert {FIRST, "psk-ecp256-aes-gcm", "psk-modp2048-aes-gcm"} <= suites, suites
    assert len(got) == 2 * len(suites)
    for row in got:
        assert row["side"] in ("initiator", "responder")
        positive(row, "total_us", "floor_us", "ratio")
        messages = (3, 2) if row["suite"].startswith("v1") else (1, 1)  # sealed: of IKEv1 the last pair and Quick Mode
        seal, opened = messages if row["side"] == "initiator" else messages[::-1]
        assert row["ops"]["keygen"] == 1 and row["ops"]["agree"] == 1, row
        assert row["ops"]["seal"] == seal and row["ops"]["open"] == opened, row
        signed = 1 if row["suite"].startswith("v1") else None
        assert row["ops"].get("sign") == row["ops"].get("verify") == signed, row
    bad = subprocess.run([bench, "handshake", "--suite", "no-such-suite"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         universal_newlines=True)
    assert bad.returncode == 2 and FIRST in bad.stderr
    return len(got)


def scale(bench):
    got = rows(bench, "scale", "2000")
    assert [row["tunnels"] for row in got] == [1000, 2000]
    for row in got:
        positive(row, "handshake_us", "worst_ms", "get_ns", "hot_ns", "known_ns", "unknown_ns", "idle_ns", "timer_ns", "page_us",
                 "rss")
        assert 600 < row["octets"] <= 1536, row  # the allocator's count is the same on any day
    return len(got)


def rekey(bench):
    got = rows(bench, "rekey", "--seconds", "0")
    assert [row["rekey"] for row in got[::2]] == ["child", "child-x25519", "ike-x25519"]
    for row in got:
        positive(row, "total_us", "floor_us", "ratio", "handshake", "ops", "samples")
    assert got[0]["ops"] < got[2]["ops"] < got[4]["ops"]
    return len(got)


def year2000(bench):
    got = {row["exchange"]: row for row in rows(bench, "year2000", "--seconds", "0")}
    if not got:  # a build without what is too weak for the default choice
        return 0
    assert set(got) == {"main 3des-sha1-modp1024 psk", "quick 3des-sha1 pfs-modp1024", "main des-md5-modp768 psk",
                        "quick des-md5 pfs-modp768", "aggressive 3des-sha1-modp1024 rsa1024", "quick 3des-sha1"}, got
    for name, row in got.items():
        positive(row, "paper_s", "initiator_us", "responder_us", "total_us", "floor_us", "ratio", "samples")
        groups = "modp" in name
        assert row["signatures"] == row["verifications"] == (2 if "rsa" in name else 0), row
        assert row["exponentiations"] == (4 if groups else 0) and row["exponent_bits"] == (160 if groups else 0), row
    assert sum(row["paper_s"] for row in got.values()) == 1.44 + 1.40 + 0.95 + 0.60 + 1.50 + 0.35
    return len(got)


def flood(bench):
    got = {row["flood"]: row for row in rows(bench, "flood", "--seconds", "2")}
    names = {"no cookies", "none", "half", "full", "twice", "four times", "one source", "garbage"}
    assert set(got) - names in (set(), {"v1", "v1 one src"}) and names <= set(got)  # a build may have no IKEv1
    for name, row in got.items():
        # the peer's own attempts, two kilobytes each; those that were lost wait for their end
        assert row["tried"] == 2 and row["growth_octets"] <= 8192, row
        if name not in ("twice", "four times"):  # there datagrams of the peer's are lost
            assert row["up"] == row["repeated_once_at_most"] == 2, row
        if name in ("half", "full"):
            assert row["cookies"] > row["forged"] * 9 // 10 and row["half_open"] <= 52, row
    assert got["no cookies"]["half_open"] == 1000
    assert got.get("v1", got["no cookies"])["half_open"] == 1000
    if "v1" in got:  # a million first messages of Main Mode, from a million addresses
        (million,) = rows(bench, "flood", "--seconds", "100", "--only", "v1")
        assert million["forged"] >= 1000000 and million["octets"] <= 2500000, million
        assert million["growth_octets"] <= 8192 and million["up"] == million["tried"] == 100, million
    return len(got)


def crowd(bench):
    # the same run each time, and the same as ten times the flood on ten times the room
    load = ["--per-ms", "10", "--half-open", "100"]
    (still,) = rows(bench, "crowd", "--per-ms", "0", "--seconds", "5")
    assert still["up_1s"] == still["peers"] == 100, still
    (some,) = rows(bench, "crowd", "--per-ms", "1", "--half-open", "100", "--seconds", "30")
    assert some["up_1s"] >= 80 and some["up_30s"] >= 99, some
    for version in ([], ["--v2"]):
        (got,) = rows(bench, "crowd", *load, "--seconds", "125", *version)
        assert got["up_1s"] >= 5 and got["up_30s"] >= 25 and got["up_120s"] >= 40, got
        (again,) = rows(bench, "crowd", *load, "--seconds", "5", *version)
        assert again["up_5s"] == got["up_5s"] and again["half_open"] == 100, (again, got)
    return 6


def loss(bench):
    got = rows(bench, "loss", "--runs", "40")
    assert [row["loss_pct"] for row in got] == [0, 5, 10, 20, 30, 40, 50]
    assert got[0]["up"] == 40 and got[0]["requests"] == 2 and abs(got[0]["ratio"] - 1) < 0.01, got[0]
    for row in got:  # virtual time and a fixed seed for the losses; only the engine's jitter differs
        assert row["up"] <= row["runs"] and row["up"] >= row["runs"] * (row["up_theory"] - 0.3), row
    return len(got)


def esp(bench):
    got = rows(bench, "esp", "--seconds", "0")
    assert len(got) == 2 * 2 * 6
    for row in got:
        assert row["way"] in ("seal", "open")
        positive(row, "octets", "ns", "bare_ns", "ratio", "gbit_per_s")
    return len(got)


def daemon(bench):
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        got = rows(bench, "daemon", "-n", "40", "--runs", "1")
        bad = subprocess.run([bench, "daemon", "--ikelibd", "/bin/false"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             universal_newlines=True)
        assert os.listdir(folder) == [], "something is left behind"
    assert [(row["suite"], row["side"]) for row in got] == [(FIRST, "initiator"), (FIRST, "responder")]
    for row in got:  # what a process takes is a difference, so with few tunnels nothing is known of it
        positive(row, "floor_us", "sockets_us", "engine_us", "load_ms")
        assert row["handshakes"] == 40 and row["runs"] == 1
    assert bad.returncode == 1 and "does not start" in bad.stderr, bad.stderr
    return len(got)


def daemons(compare):
    done = subprocess.run([compare, "--json", "--runs", "1", "-n", "20"], stdout=subprocess.PIPE, universal_newlines=True)
    if done.returncode == 77:
        sys.exit(77)
    got = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["pair"], row["side"]) for row in got] == [(pair, side) for pair in ("ours-ours", "ours-swan", "swan-ours")
                                                          for side in ("initiator", "responder")], got
    for row in got:
        positive(row, "us", "runs", "handshakes")
    return len(got)


if __name__ == "__main__":
    COMMANDS = {"handshake": handshake, "scale": scale, "rekey": rekey, "year2000": year2000, "flood": flood, "crowd": crowd,
                "loss": loss, "esp": esp,
                "daemon": daemon, "daemons": daemons}
    print(COMMANDS[sys.argv[2]](sys.argv[1]), "rows")
