#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What the library and the daemon weigh, in octets, against tests/size/budget.

    size.py [--json | --daemon] SOURCE-DIR WORK-DIR PROFILE...

A profile is built for size in WORK-DIR/PROFILE: `tiny` (one suite, on libsodium and mbedTLS), `trimmed` (the same on libsodium and
nettle) or `full`. Printed are

    the library by component, as archived and as far as tests/size/host.c needs it (linked by its objects, --gc-sections);
    the shared library (this and the next not of `tiny`, which is for a host of its own);
    the static daemon, stripped, and whose code is in it;
    what host.c measured when it ran: octets per tunnel, the deepest stack below each kind of call.

--daemon: of these the static daemon alone, and no limit holds; for C libraries that host.c is not written for.
Exit code 1: something is over its limit. What is over its goal, and under the limit, is only said.
"""
import collections
import json
import os
import re
import subprocess
import sys

CLASSES = ("text", "rodata", "relro", "writable", "unwind")
SECTIONS = "-ffunction-sections -fdata-sections"
# For firmware: for size, at a fixed address; the objects hold beside the machine code what -flto takes.
SMALLEST = "-Os -DNDEBUG -fno-pic -flto -ffat-lto-objects"

PROFILES = {
    "tiny": (["-DCMAKE_C_FLAGS_MINSIZEREL=" + SMALLEST, "-DCMAKE_POSITION_INDEPENDENT_CODE=OFF", "-DIKE_TINY=ON", "-DIKE_DAEMON=OFF", "-DIKE_WORDS=OFF", "-DIKE_GMP=OFF",
              "-DIKE_NETTLE=OFF"],
             ["-lsodium", "-lmbedcrypto"]),
    "trimmed": (["-DIKE_TINY=ON", "-DIKE_GMP=OFF"], ["-lsodium", "-lmbedcrypto", "-lhogweed", "-lnettle", "-lgmp"]),
    "full": ([], ["-lsodium", "-lmbedcrypto", "-lhogweed", "-lnettle", "-lgmp"]),
}


def run(*args, **kw):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, **kw)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(args), done.stdout[-4000:]))
    return done.stdout


def class_of(section):
    for start, name in ((".text", "text"), (".rodata", "rodata"), (".data.rel.ro", "relro"), (".eh_frame", "unwind"),
                        (".data", "writable"), (".bss", "writable"), (".tdata", "writable"), (".tbss", "writable")):
        if section.startswith(start):
            return name
    return None


def sections(path):
    """Class -> octets of an object or program."""
    out = collections.Counter()
    for line in run("size", "-A", path).splitlines():
        words = line.split()
        if len(words) == 3 and words[0].startswith(".") and class_of(words[0]):
            out[class_of(words[0])] += int(words[1])
    return out


def mapped(path):
    """(section, octets, file) of everything in a linker map."""
    began, name = False, None
    with open(path, errors="replace") as f:
        for line in f:
            began = began or line.startswith("Linker script and memory map")
            alone = re.match(r" (\.[^ ]+)$", line)
            m = re.match(r" (\.[^ ]+)? +0x[0-9a-f]+ +0x([0-9a-f]+) (\S.*)$", line)
            if began and alone:
                name = alone.group(1)
            elif began and m and (m.group(1) or name):
                yield m.group(1) or name, int(m.group(2), 16), m.group(3)
                name = None
            else:
                name = None


LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib")


def component(path):
    m = re.search(r"ike_objects\.dir/([^/]+)/", path)
    return m.group(1) if m else None


def objects(tree):
    """Those whose source is still there: a tree that was built before may hold others."""
    top = os.path.join(tree, "lib", "CMakeFiles", "ike_objects.dir")
    for folder, _, files in os.walk(top):
        for name in sorted(files):
            if name.endswith(".o") and os.path.exists(os.path.join(LIB, os.path.relpath(folder, top), name[:-2])):
                yield os.path.join(folder, name)


def has_daemon(profile):
    return "-DIKE_DAEMON=OFF" not in PROFILES[profile][0]


def build(source, tree, profile):
    options, _ = PROFILES[profile]
    run("cmake", "-S", source, "-B", tree, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=MinSizeRel", "-DIKE_TESTS=OFF",
        "-DIKE_MODULES=OFF", "-DCMAKE_C_FLAGS=" + SECTIONS, *options)
    run("cmake", "--build", tree, "-j", os.environ.get("JOBS", "1"), "--target", "ike_static",
        *(["ike_shared", "ikelibd"] if has_daemon(profile) else []))


def link(tree, name, inputs, libs, flags):
    out, text = os.path.join(tree, name), os.path.join(tree, name + ".map")
    run(os.environ.get("CC", "cc"), "-Os", "-o", out, "-Wl,--gc-sections", "-Wl,-Map=" + text, *flags, *inputs, *libs)
    run("strip", "-o", out + ".stripped", out)
    return out, text


def library(tree, table):
    for path in objects(tree):
        for kind, n in sections(path).items():
            table[component(path)][kind] += n


def host(source, tree, profile, table):
    _, libs = PROFILES[profile]
    smallest = not has_daemon(profile)
    obj = os.path.join(tree, "host.o")
    run(os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-Os", *SECTIONS.split(), "-I", os.path.join(source, "include"), "-c",
        os.path.join(source, "tests", "size", "host.c"), "-o", obj)
    program, text = link(tree, "host", [obj, *objects(tree)], libs, ["-fno-lto", *(["-no-pie"] if smallest else [])])
    for section, n, path in mapped(text):
        if component(path) and class_of(section) == "text":
            table[component(path)]["linked"] += n
    values = json.loads(run(program))
    values["linked_text"] = sum(row["linked"] for row in table.values())
    if smallest:
        # Functions of different files become one, so there is no saying whose they are: all that is not host.o is the library's.
        program, text = link(tree, "host-lto", [obj, *objects(tree)], libs, [*SMALLEST.split(), "-no-pie", "-flto-partition=one"])
        values["lto_text"] = sum(n for section, n, path in mapped(text) if "ltrans" in path and class_of(section) == "text")
        run(program)
    return values


def owner(path):
    m = re.search(r"(lib[\w+-]+)\.a\(", path)
    return m.group(1).replace("libike_daemon", "daemon") if m else "daemon" if "ikelibd.dir" in path else "start files"


def daemon(tree, libs):
    main = os.path.join(tree, "daemon", "CMakeFiles", "ikelibd.dir", "main.c.o")
    archives = [os.path.join(tree, "daemon", "libike_daemon.a"), os.path.join(tree, "lib", "libike.a")]
    program, text = link(tree, "ikelibd-static", [main, *archives], libs, ["-static", "-fno-lto"])
    shares = collections.Counter()
    for section, n, path in mapped(text):
        if class_of(section) and not section.startswith((".bss", ".tbss")):
            shares[owner(path)] += n
    return os.path.getsize(program + ".stripped"), shares


def measure_daemon(source, work, profile):
    tree = os.path.join(work, profile)
    build(source, tree, profile)
    if not has_daemon(profile):
        return {"profile": profile, "shares": {}, "values": {}}
    static, shares = daemon(tree, PROFILES[profile][1])
    return {"profile": profile, "shares": shares,
            "values": {"static_daemon": static, "static_daemon_without_libc": static - shares["libc"]}}


def measure(source, work, profile):
    tree = os.path.join(work, profile)
    m = measure_daemon(source, work, profile)
    table = collections.defaultdict(collections.Counter)
    library(tree, table)
    ran = host(source, tree, profile, table)
    total = sum(table.values(), collections.Counter())
    m["values"].update(ran, text=total["text"], writable=total["writable"])
    if has_daemon(profile):
        shared = os.path.join(tree, "lib", "libike.so")
        run("strip", "-o", shared + ".stripped", shared)
        m["shared"] = sections(shared)
        m["values"]["shared_file"] = os.path.getsize(shared + ".stripped")
    return dict(m, components=table, total=total)


def show_library(m):
    print("%s: the library by component\n" % m["profile"])
    print("%-10s %8s %8s %8s %8s %8s %8s" % ("", "linked", *CLASSES))
    for name, row in sorted(m["components"].items(), key=lambda item: -item[1]["text"]):
        print("%-10s %8d %8d %8d %8d %8d %8d" % (name, row["linked"], *(row[k] for k in CLASSES)))
    print("%-10s %8d %8d %8d %8d %8d %8d" % ("all", m["total"]["linked"], *(m["total"][k] for k in CLASSES)))
    if "shared" in m:
        print("%-10s %8s %8d %8d %8d %8d %8d" % ("shared", "", *(m["shared"][k] for k in CLASSES)))
    print()


def show_daemon(m):
    if not m["shares"]:
        return
    print("%s: the static daemon, whose octets\n" % m["profile"])
    for name, n in m["shares"].most_common():
        print("%-14s %8d" % (name, n))
    print("\n%s: in all\n" % m["profile"])


def budget(path):
    out = {}
    with open(path) as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                out[words[0]] = (float(words[1]), float(words[2]))
    return out


def judge(m, limits):
    good = True
    for name, value in m["values"].items():
        goal, limit = limits.get("%s.%s" % (m["profile"], name), (None, None))
        word = "" if goal is None else "OVER THE LIMIT" if value > limit else "over the goal" if value > goal else "good"
        print("%-28s %10.0f %12s %12s  %s" % (name, value, "" if goal is None else "%.0f" % goal, "" if goal is None else "%.0f" % limit,
                                             word))
        good &= limit is None or value <= limit
    for name in limits:
        if name.startswith(m["profile"] + ".") and name.split(".")[1] not in m["values"]:
            print("%s has a budget and was not measured" % name)
            good = False
    return good


def main():
    args = [a for a in sys.argv[1:] if a not in ("--json", "--daemon")]
    if len(args) < 3 or not set(args[2:]) <= set(PROFILES):
        sys.stderr.write(__doc__)
        return 2
    source, work, good = os.path.abspath(args[0]), os.path.abspath(args[1]), True
    limits = budget(os.path.join(source, "tests", "size", "budget"))
    for profile in args[2:]:
        if "--daemon" in sys.argv:
            m = measure_daemon(source, work, profile)
            show_daemon(m)
            for name, value in m["values"].items():
                print("%-28s %10d" % (name, value))
            print()
            continue
        m = measure(source, work, profile)
        if "--json" in sys.argv:
            print(json.dumps(m, sort_keys=True))
            continue
        show_library(m)
        show_daemon(m)
        print("%-28s %10s %12s %12s" % ("", "octets", "goal", "limit"))
        good &= judge(m, limits)
        print()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
