#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""That ike-bench runs, counts what it lists, and writes what docs/performance.md says. No time is judged."""
import json
import subprocess
import sys

FIRST = "psk-x25519-aes-gcm"
KEYS = {"suite", "side", "total_us", "floor_us", "ratio", "ops"}


def main(bench):
    out = subprocess.run([bench, "handshake", "--json", "--seconds", "0"], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows and rows[0]["suite"] == FIRST, "the first row is not " + FIRST
    suites = {row["suite"] for row in rows}
    assert {FIRST, "psk-ecp256-aes-gcm", "psk-modp2048-aes-gcm"} <= suites, suites
    assert len(rows) == 2 * len(suites)
    for row in rows:
        assert KEYS <= row.keys(), row
        assert row["side"] in ("initiator", "responder")
        assert row["total_us"] > 0 and row["floor_us"] > 0 and row["ratio"] > 0
        assert row["ops"]["keygen"] == 1 and row["ops"]["agree"] == 1 and row["ops"]["seal"] == 1 and row["ops"]["open"] == 1
    bad = subprocess.run([bench, "handshake", "--suite", "no-such-suite"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True)
    assert bad.returncode == 2 and FIRST in bad.stderr
    print(len(rows), "rows")


if __name__ == "__main__":
    main(sys.argv[1])
