#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Judge what `ikelibctl --json status` wrote.

    status.py FILE [--sas N] [--children N] [--packets N] [--spis "0x.. 0x.."] [--print-ike]

--sas, --children  so many IKE SAs are established, so many children installed (default 1 each, and no others in any state)
--packets N        some child counted at least N packets in each direction
--spis LIST        the children's SPIs are exactly these (the kernel's)
--print-ike        print the SPIs of the one established IKE SA and judge nothing
"""
import argparse
import json
import sys

LIVE = ("established", "installed")


def number(value):
    return int(value, 0) if isinstance(value, str) else int(value)


def spi(value):
    return int(value, 16) if isinstance(value, str) else int(value)


def live(objects):
    return [o for o in objects if o["state"].lower() in LIVE]


def judge(status, a):
    bad = []
    if status.get("schema") != 1:
        bad.append("schema is %r, not 1" % status.get("schema"))
    for what, want in (("sas", a.sas), ("children", a.children)):
        have = [o["state"] for o in status[what]]
        if len(have) != want or len(live(status[what])) != want:
            bad.append("%d %s wanted, there are %s" % (want, what, have))
    children = live(status["children"])
    if a.packets and not any(number(c["packets_in"]) >= a.packets and number(c["packets_out"]) >= a.packets and
                             number(c["bytes_in"]) > 0 and number(c["bytes_out"]) > 0 for c in children):
        bad.append("no child counted %d packets each way: %s" % (
            a.packets, ["%s in, %s out" % (c["packets_in"], c["packets_out"]) for c in children]))
    if a.spis is not None:
        kernel = sorted(int(s, 16) for s in a.spis.split())
        names = ("spi_in", "spi_out", "ah_spi_in", "ah_spi_out", "cpi_in", "cpi_out")
        ours = sorted(spi(c[k]) for c in children for k in names if c.get(k))
        if kernel != ours:
            bad.append("SPIs %s, the kernel has %s" % (["%#010x" % s for s in ours], ["%#010x" % s for s in kernel]))
    return bad


def main():
    p = argparse.ArgumentParser()
    p.add_argument("file")
    p.add_argument("--sas", type=int, default=1)
    p.add_argument("--children", type=int, default=1)
    p.add_argument("--packets", type=int, default=0)
    p.add_argument("--spis")
    p.add_argument("--print-ike", action="store_true")
    a = p.parse_args()
    with open(a.file, encoding="utf-8") as f:
        status = json.load(f)
    if a.print_ike:
        found = live(status["sas"])
        if len(found) == 1:
            print("%s-%s" % (found[0]["spi_i"], found[0]["spi_r"]))
        return 0
    bad = judge(status, a)
    children = live(status["children"])
    print("; ".join(bad) or "%d IKE SA, %d child, %s" % (len(live(status["sas"])), len(children), ", ".join(
        "%s packets in, %s out" % (c["packets_in"], c["packets_out"]) for c in children)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
