#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Layers point down only.

    includes.py SOURCE-DIR             read the #includes of lib/, include/ and report every forbidden one
    includes.py --graph SOURCE-DIR     print which folder includes which
    includes.py --selftest SOURCE-DIR  copy the tree, break each rule, and see that it is reported

The order is the table below; docs/architecture.md explains it.
"""
import os
import re
import shutil
import sys
import tempfile

# The tower. A folder may include its own level (but folders never include each other in a circle) and everything below.
LEVELS = [
    ["base"],
    ["crypto", "core"],
    ["message", "proposal", "keys"],
    ["auth", "policy"],
    ["sa"],
    ["guard", "exchange"],
    ["engine"],
]
# Beside the tower: all that such a folder may include; nobody in the tower includes it.
BESIDE = {
    "conf": {"base", "crypto"},
    "trace": {"base", "crypto", "message", "proposal", "keys"},
    "keynote": {"base", "crypto"},
    "esp": {"base", "crypto"},
}
LEVEL = {name: i for i, names in enumerate(LEVELS) for name in names}
# Public headers: the lowest level that may see each ("beside": all folders beside the tower may).
PUBLIC = {
    "ike/types.h": 0,
    "ike/crypto.h": 0,  # the allocator and random source lent by the host are declared there
    "ike/module.h": 1,
    "ike/conn.h": 1,
    "ike/host.h": 1,
    "ike/exchange.h": 1,
    "ike/failure.h": 1,
    "ike/ike.h": 1,
}
# What a freestanding engine needs of the C library; <stdio.h> for snprintf (symbols.py looks at what is really called).
SYSTEM = {"stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "inttypes.h", "limits.h", "string.h", "stdio.h",
          "stdlib.h", "float.h", "stdnoreturn.h", "immintrin.h", "cpuid.h", "arm_neon.h", "endian.h"}
# Third-party headers and the only folder that may include them.
PROVIDER = re.compile(r"(sodium(/.*)?\.h|gmp\.h|mbedtls/.*\.h|psa/.*\.h|nettle/.*\.h|hogweed/.*\.h|openssl/.*\.h)$")
PRINTING = re.compile(r"\b(?:(v?f?printf|puts|fputs|putchar|fputc|fopen|fdopen|fwrite|fread|fflush|v?f?scanf|sscanf|getchar|perror|"
                      r"getenv|setenv|abort|exit|rand|srand|system)\s*\(|(stdout|stderr|stdin)\b)")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', re.M)


def strip(code):
    """Without comments and string literals (line structure does not matter here)."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', " ", code, flags=re.S)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def sources(root):
    for folder, dirs, files in os.walk(root):
        dirs.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.join(folder, name)


def folder_of(relative):
    """'exchange/v2/auth.c' -> ('exchange', 'v2')."""
    parts = relative.split(os.sep)
    return parts[0], parts[1] if len(parts) > 2 else None


def check_internal(where, me, sub, target, lib, path):
    """One quoted include. Returns (text or None, folder included or None)."""
    for base in (os.path.dirname(path), lib):
        full = os.path.normpath(os.path.join(base, target))
        if os.path.exists(full):
            break
    else:
        return "%s includes \"%s\", which is nowhere" % (where, target), None
    relative = os.path.relpath(full, lib)
    if relative.startswith(".."):
        return "%s includes \"%s\" outside lib/" % (where, target), None
    other, other_sub = folder_of(relative)
    if other == me:
        if me == "exchange" and sub and other_sub and sub != other_sub:
            return "%s: exchange/%s includes exchange/%s" % (where, sub, other_sub), None
        if me == "exchange" and not sub and other_sub and not os.path.basename(path).startswith("scripts"):
            return "%s: the machine includes exchange/%s" % (where, other_sub), None
        return None, None
    if me in BESIDE:
        if other not in BESIDE[me]:
            return "%s: %s includes %s; it may use %s only" % (where, me, other, ", ".join(sorted(BESIDE[me]))), other
    elif other in BESIDE:
        return "%s: %s includes %s, which stands beside the tower" % (where, me, other), other
    elif LEVEL[other] > LEVEL[me]:
        return "%s: %s includes %s, which is above it" % (where, me, other), other
    return None, other


def check_external(where, me, target):
    """One <include>. Returns a text or None."""
    if target.startswith("ike/"):
        if me in BESIDE:
            return None
        if target not in PUBLIC:
            own = target == "ike/%s.h" % me
            return None if own else "%s includes <%s>, which is not in the table of public headers" % (where, target)
        if LEVEL[me] < PUBLIC[target]:
            return "%s: %s includes <%s>, which is above it" % (where, me, target)
        return None
    if PROVIDER.match(target):
        return None if me == "crypto" else "%s includes <%s>: providers are seen in crypto only" % (where, target)
    if target not in SYSTEM:
        return "%s includes <%s>: the library does no I/O" % (where, target)
    return None


def circles(edges):
    """Folders that reach themselves."""
    def reach(start):
        seen, todo = set(), list(edges.get(start, ()))
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += edges.get(name, ())
        return seen
    return sorted(name for name in edges if name in reach(name))


def check(root):
    lib = os.path.join(root, "lib")
    bad, edges, count = [], {}, 0
    for path in sources(lib):
        count += 1
        relative = os.path.relpath(path, lib)
        me, sub = folder_of(relative)
        where = "lib/" + relative
        if me not in LEVEL and me not in BESIDE:
            bad.append("%s: folder %s has no place in the order" % (where, me))
            continue
        code = read(path)
        for external, internal in INCLUDE.findall(code):
            if internal:
                text, other = check_internal(where, me, sub, internal, lib, path)
                if other:
                    edges.setdefault(me, set()).add(other)
            else:
                text = check_external(where, me, external)
            if text:
                bad.append(text)
        for m in PRINTING.finditer(strip(code)):
            bad.append("%s uses %s: the library does no I/O" % (where, m.group(1) or m.group(2)))
    for name in circles(edges):
        bad.append("lib/%s is in a circle: %s" % (name, ", ".join(sorted(edges[name]))))
    public = os.path.join(root, "include")
    for path in sources(public):
        where = os.path.relpath(path, root)
        for external, internal in INCLUDE.findall(read(path)):
            if internal or not (external.startswith("ike/") or external in ("stdbool.h", "stddef.h", "stdint.h")):
                bad.append("%s includes %s: public headers include each other and plain types" % (where, external or internal))
    if not count:
        bad.append("%s: no sources" % lib)
    return bad, edges, count


def add_line(root, path, line):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    old = read(full) if os.path.exists(full) else ""
    with open(full, "w", encoding="utf-8") as f:
        f.write(old + line + "\n")


BREAKS = [  # (file to break, line to add, other files to have, what must be reported)
    ("lib/base/zz.c", '#include "engine/zz.h"', ["lib/engine/zz.h"], "base includes engine, which is above it"),
    ("lib/message/zz.c", '#include "auth/zz.h"', ["lib/auth/zz.h"], "message includes auth, which is above it"),
    ("lib/sa/zz.c", '#include "../exchange/zz.h"', ["lib/exchange/zz.h"], "sa includes exchange, which is above it"),
    ("lib/guard/zz.c", '#include "exchange/zz.h"', ["lib/exchange/zz.h", "lib/guard/zz.h", ("lib/exchange/zy.c", '#include "guard/zz.h"')],
     "is in a circle"),
    ("lib/exchange/v2/zz.c", '#include "exchange/v1/zz.h"', ["lib/exchange/v1/zz.h"], "exchange/v2 includes exchange/v1"),
    ("lib/exchange/v1/zz.c", '#include "../v2/zz.h"', ["lib/exchange/v2/zz.h"], "exchange/v1 includes exchange/v2"),
    ("lib/exchange/zz.c", '#include "v2/zz.h"', ["lib/exchange/v2/zz.h"], "the machine includes exchange/v2"),
    ("lib/trace/zz.c", '#include "engine/zz.h"', ["lib/engine/zz.h"], "trace includes engine"),
    ("lib/esp/zz.c", '#include "message/zz.h"', ["lib/message/zz.h"], "esp includes message"),
    ("lib/engine/zz.c", '#include "conf/zz.h"', ["lib/conf/zz.h"], "stands beside the tower"),
    ("lib/base/zz.c", "#include <ike/ike.h>", [], "base includes <ike/ike.h>, which is above it"),
    ("lib/engine/zz.c", "#include <sys/socket.h>", [], "does no I/O"),
    ("lib/core/zz.c", "#include <time.h>", [], "does no I/O"),
    ("lib/core/zz.c", "#include <pthread.h>", [], "does no I/O"),
    ("lib/keys/zz.c", "#include <sodium.h>", [], "providers are seen in crypto only"),
    ("lib/engine/zz.c", "int ike_x(void) { return printf(\"x\"); }", [], "uses printf"),
    ("lib/surprise/zz.c", "int ike_x;", [], "has no place in the order"),
    ("lib/sa/zz.c", '#include "sa/not_there.h"', [], "is nowhere"),
    ("include/ike/types.h", "#include <stdio.h>", [], "public headers include each other and plain types"),
]


def selftest(root):
    failed = 0
    for path, line, others, want in BREAKS:
        with tempfile.TemporaryDirectory() as tmp:
            for part in ("lib", "include"):
                shutil.copytree(os.path.join(root, part), os.path.join(tmp, part))
            before = len(check(tmp)[0])
            for other in others:
                add_line(tmp, *(other if isinstance(other, tuple) else (other, "")))
            add_line(tmp, path, line)
            texts = check(tmp)[0]
            seen = len(texts) > before and [t for t in texts if want in t]
            print("%s + %s: %s" % (path, line, "seen: " + seen[0] if seen else "NOT SEEN"))
            failed += not seen
    return failed


def main():
    args = sys.argv[1:]
    mode = args.pop(0) if args and args[0].startswith("--") else None
    if len(args) != 1 or mode not in (None, "--graph", "--selftest"):
        sys.stderr.write(__doc__)
        return 2
    if mode == "--selftest":
        return 1 if selftest(args[0]) else 0
    bad, edges, count = check(args[0])
    if mode == "--graph":
        for name in sorted(edges, key=lambda n: (LEVEL.get(n, 99), n)):
            print("%-9s -> %s" % (name, " ".join(sorted(edges[name], key=lambda n: (LEVEL.get(n, 99), n)))))
        return 0
    for text in bad:
        print(text)
    print("includes: %d files, %d violations" % (count, len(bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
