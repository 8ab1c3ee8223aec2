#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Which lines the checked-in corpora reach, and nothing else: builds the preset `coverage`, replays, and prints a table.

    coverage.py                     lines by folder; status 1 where one is below its goal
    coverage.py --missing FOLDER    the lines of it that are not reached
"""
import glob
import json
import os
import shutil
import subprocess
import sys

GOAL = {"lib/message": 85, "lib/proposal": 85, "lib/exchange": 85, "lib/exchange/v1": 85, "lib/exchange/v2": 85}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "coverage")


def run(*command, **options):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode:
        sys.exit("failed: %s\n%s" % (" ".join(command), (done.stdout + done.stderr).decode(errors="replace")[-4000:]))
    return done.stdout


def replay(programs):
    profiles = os.path.join(BUILD, "profiles")
    shutil.rmtree(profiles, ignore_errors=True)
    os.makedirs(profiles)
    for program in programs:
        target = os.path.basename(program)[len("fuzz_"):]
        corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", target)
        said = run(program, corpus, env=dict(os.environ, LLVM_PROFILE_FILE=os.path.join(profiles, target + ".profraw")))
        print("%-10s %s" % (target, said.decode().strip().splitlines()[-1]), flush=True)
    merged = os.path.join(BUILD, "all.profdata")
    run("llvm-profdata", "merge", "-sparse", "-o", merged, *glob.glob(os.path.join(profiles, "*.profraw")))
    return merged


def folders(exported):
    """{folder: [lines reached, lines]} of the sources of the library and of the control socket."""
    sums = {}
    for f in json.loads(exported)["data"][0]["files"]:
        name = os.path.relpath(f["filename"], ROOT)
        if name.startswith(("lib/", "daemon/ui/")) and name.endswith(".c"):
            s = sums.setdefault(os.path.dirname(name), [0, 0])
            s[0] += f["summary"]["lines"]["covered"]
            s[1] += f["summary"]["lines"]["count"]
    return sums


def main():
    for tool in ("clang", "llvm-profdata", "llvm-cov"):
        if not shutil.which(tool):
            print("SKIPPED: no %s" % tool)
            return 77
    run("cmake", "--preset", "coverage")
    run("cmake", "--build", BUILD, "--target", "fuzz", "-j", os.environ.get("JOBS", str(os.cpu_count())))
    programs = sorted(p for p in glob.glob(os.path.join(BUILD, "tests", "fuzz", "fuzz_*")) if os.path.isfile(p))
    merged = replay(programs)
    objects = [programs[0]] + [x for p in programs[1:] for x in ("-object", p)]
    if sys.argv[1:2] == ["--missing"]:
        files = sorted(glob.glob(os.path.join(ROOT, sys.argv[2], "*.c")))
        shown = run("llvm-cov", "show", "-instr-profile", merged, *objects, *files).decode(errors="replace")
        print("\n".join(l for l in shown.splitlines() if l.endswith(".c:") or l.split("|")[1:2] == ["      0"]))
        return 0
    sums = folders(run("llvm-cov", "export", "-summary-only", "-instr-profile", merged, *objects))
    bad = 0
    for folder in sorted(sums):
        reached, lines = sums[folder]
        goal = GOAL.get(folder)
        low = goal is not None and 100 * reached < goal * lines
        bad += low
        print("%-20s %5d of %5d lines  %5.1f %%%s" % (folder, reached, lines, 100 * reached / lines,
              "" if goal is None else "  (goal: %d)%s" % (goal, " BELOW" if low else "")))
    missing = [f for f in GOAL if f not in sums]
    if missing:
        print("nothing is known of " + ", ".join(missing))
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main())
