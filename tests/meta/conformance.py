#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""docs/conformance.md names tests that exist.

    conformance.py SOURCE-DIR BUILD-DIR              names are ctest's; behind a colon a case: of a unit test, or of the simulator
    conformance.py --selftest SOURCE-DIR BUILD-DIR   spoil the page in each way, and see that it is reported
"""
import json
import os
import re
import subprocess
import sys

ROWS = ["A%d" % i for r in ((1, 2), (3, 8), (19, 30), (41, 48), (49, 54)) for i in range(*r)]
ROWS += ["I%d" % i for i in range(1, 33)] + ["C%d" % i for i in range(1, 17)]
LABELS = r"(?:unit|sim|fuzz|meta|interop|bench|daemon|dataplane|preset|size|cross|example)\."
TEST = re.compile(r"`(%s[A-Za-z0-9_.-]+)(?::([A-Za-z0-9_-]+))?`" % LABELS)


def ctest_tests(build):
    out = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, check=True, stdout=subprocess.PIPE, universal_newlines=True)
    return json.loads(out.stdout)["tests"]


def folder_of(name):
    """Which folder of cases a test of the simulator runs: sim.v1.long has cases/v1-long, sim.sweep.alloc.v1 has cases/v1."""
    return re.sub(r"^sim\.(sweep\.\w+\.)?", "", name).replace(".", "-")


def has_case(source, name, case):
    if name.startswith("unit."):
        with open(os.path.join(source, "tests", "unit", name[len("unit."):] + ".c"), encoding="utf-8") as f:
            return re.search(r"\b(?:cmocka_unit_test\w*|T)\(%s\b" % re.escape(case), f.read()) is not None
    cases = os.path.join(source, "tests", "sim", "cases")
    return name.startswith("sim.") and os.path.exists(os.path.join(cases, folder_of(name), case + ".case"))


def faults(source, names, text):
    found, rows = [], set()
    for line in text.splitlines():
        row = re.match(r"\| ([AIC]\d+) \|", line)
        tests = TEST.findall(line)
        if row:
            if row.group(1) in rows:
                found.append("%s: twice" % row.group(1))
            rows.add(row.group(1))
            if not tests and "**not yet**" not in line:
                found.append("%s: no test" % row.group(1))
        for name, case in tests:
            if name not in names:
                found.append("%s: no such test" % name)
            elif case and not has_case(source, name, case):
                found.append("%s: no case %s" % (name, case))
    return found + ["%s: no row" % r for r in ROWS if r not in rows]


def selftest(source, names, text):
    spoiled = {
        "no such test": text.replace("`unit.test_v1_quick:", "`unit.test_v1_quack:", 1),
        "no case": text.replace(":a_hundred_in_parallel`", ":a_hundred_in_a_row`", 1),
        "no case both-rekey2": text.replace("`sim.v1:both-rekey`", "`sim.v1:both-rekey2`", 1),
        "A1: no test": re.sub(r"(\| A1 \|[^|]*\|).*\|", r"\1 |", text),
        "I7: no row": re.sub(r"\| I7 \|.*\n", "", text),
        "C3: twice": re.sub(r"(\| C3 \|.*\n)", r"\1\1", text),
    }
    missed = [want for want, page in spoiled.items() if page != text and not any(want in f for f in faults(source, names, page))]
    return missed + ["%s: nothing to spoil" % want for want, page in spoiled.items() if page == text]


def main(argv):
    spoil = argv[:1] == ["--selftest"]
    if len(argv) != 2 + spoil:
        sys.exit(__doc__)
    source, build = argv[-2:]
    with open(os.path.join(source, "docs", "conformance.md"), encoding="utf-8") as f:
        text = f.read()
    names = {test["name"] for test in ctest_tests(build)}
    found = (selftest if spoil else faults)(source, names, text)
    for f in found:
        print(f)
    print("%s: %d rows, %d tests named, %d faults" % ("selftest" if spoil else "conformance", len(ROWS), len(set(TEST.findall(text))),
                                                      len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
