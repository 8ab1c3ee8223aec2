#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What libike.so exports is what exports.txt lists.

    exports.py LIBIKE.SO EXPORTS.TXT            compare
    exports.py --headers INCLUDE-DIR EXPORTS.TXT   each listed symbol is declared IKE_API in a public header, and each declared
                                                   one is listed
    exports.py --update INCLUDE-DIR EXPORTS.TXT    write the list anew, from the headers

A symbol that goes away or changes its meaning needs a new SOVERSION; one that is added needs a line in the list.
"""
import os
import re
import subprocess
import sys


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], check=True, stdout=subprocess.PIPE,
                         universal_newlines=True, env=dict(os.environ, LC_ALL="C")).stdout
    return sorted({line.split()[0].split("@")[0] for line in out.splitlines() if line.strip()})


def listed(path):
    with open(path, encoding="utf-8") as f:
        return sorted(line.strip() for line in f if line.strip() and not line.startswith("#"))


def declared(include):
    names = set()
    for folder, _, files in os.walk(include):
        for name in files:
            if name.endswith(".h"):
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    code = re.sub(r"/\*.*?\*/|^\s*#[^\n]*", " ", f.read(), flags=re.S | re.M)
                for text in re.findall(r"\bIKE_API\b([^;]*);", code):
                    m = re.search(r"(\w+)\s*\(", text) or re.search(r"(\w+)\s*(\[[^]]*\])?\s*$", text)
                    if m:
                        names.add(m.group(1))
    return sorted(names)


def differences(have, want, have_name, want_name):
    bad = ["%s is in %s but not in %s" % (n, have_name, want_name) for n in have if n not in want]
    return bad + ["%s is in %s but not in %s" % (n, want_name, have_name) for n in want if n not in have]


def main():
    args = sys.argv[1:]
    mode = args.pop(0) if args and args[0].startswith("--") else None
    if len(args) != 2 or mode not in (None, "--update", "--headers"):
        sys.stderr.write(__doc__)
        return 2
    if mode == "--update":
        with open(args[1], "w", encoding="utf-8") as f:
            f.write("# The symbols that libike.so exports (tests/meta/exports.py --update writes this).\n")
            f.write("".join(n + "\n" for n in declared(args[0])))
        return 0
    want = listed(args[1])
    if mode == "--headers":
        bad = differences(declared(args[0]), want, "the headers", os.path.basename(args[1]))
    else:
        have = exported(args[0])
        bad = differences(have, want, os.path.basename(args[0]), os.path.basename(args[1]))
        bad += ["%s: exported names begin with ike_" % n for n in have if not n.startswith("ike_")]
    for text in bad:
        print(text)
    print("exports: %d listed, %d differences" % (len(want), len(bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
