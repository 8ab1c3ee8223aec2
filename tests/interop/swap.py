#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Give the two ESP SAs of this network namespace each other's keys (and on a second call their own again).

The kernel does not let the key of an SA be changed, so both are deleted and added anew, with everything else as before.
"""
import re
import subprocess
import sys


def ip(*args):
    return subprocess.run(("ip",) + args, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def parse(text):
    """[(src, dst, spi, reqid, mode, [key words per algorithm])]"""
    out = []
    for block in re.split(r"(?m)^(?=src )", text):
        head = re.match(r"src (\S+) dst (\S+)\s+proto esp spi (0x[0-9a-f]+)\S* reqid (\d+)\S* mode (\w+)", block)
        if not head:
            continue
        keys = []
        for kind, name, key, bits in re.findall(r"^\s+(auth-trunc|enc|aead) (\S+) (0x[0-9a-f]+) ?(\d*)", block, re.M):
            keys.append([kind, name, key] + ([bits] if bits else []))
        flags = re.search(r"\bflag (.*)$", block, re.M)
        sequence = re.search(r"oseq 0x([0-9a-f]+)", block)
        out.append(head.groups() + (keys, flags.group(1).split() if flags else [], int(sequence.group(1), 16) if sequence else 0))
    return out


def main():
    states = parse(ip("xfrm", "state"))
    if len(states) != 2:
        sys.exit("2 SAs wanted, there are %d" % len(states))
    for (src, dst, spi, *_) in states:
        ip("xfrm", "state", "delete", "src", src, "dst", dst, "proto", "esp", "spi", spi)
    for mine, yours in (states, reversed(states)):
        src, dst, spi, reqid, mode, _, flags, oseq = mine
        words = [w for key in yours[5] for w in key]
        # the peer's replay window has seen this SA's numbers so far; extended numbers need a window of our own
        ip("xfrm", "state", "add", "src", src, "dst", dst, "proto", "esp", "spi", spi, "reqid", reqid, "mode", mode,
           "replay-window", "32" if "esn" in flags else "0", "replay-oseq", str(oseq + 100), *(["flag"] + flags if flags else []), *words)


if __name__ == "__main__":
    main()
