#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""That ike-bench runs, counts what it lists, and writes what docs/performance.md says. No time is judged.

    smoke.py IKE-BENCH COMMAND
"""
import json
import subprocess
import sys

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
        assert row["ops"]["keygen"] == 1 and row["ops"]["agree"] == 1 and row["ops"]["seal"] == 1 and row["ops"]["open"] == 1
    bad = subprocess.run([bench, "handshake", "--suite", "no-such-suite"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         universal_newlines=True)
    assert bad.returncode == 2 and FIRST in bad.stderr
    return len(got)


def scale(bench):
    got = rows(bench, "scale", "2000")
    assert [row["tunnels"] for row in got] == [1000, 2000]
    for row in got:
        positive(row, "handshake_us", "worst_ms", "get_ns", "known_ns", "unknown_ns", "idle_ns", "timer_ns", "page_us", "rss")
        assert 600 < row["octets"] <= 1536, row  # the allocator's count is the same on any day
    return len(got)


if __name__ == "__main__":
    COMMANDS = {"handshake": handshake, "scale": scale}
    print(COMMANDS[sys.argv[2]](sys.argv[1]), "rows")
