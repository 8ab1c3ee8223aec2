#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The library has no writable data and calls nothing of the system.

    symbols.py data LIBIKE.A              no symbol in a writable section but .data.rel.ro*
    symbols.py calls LIBIKE.A             undefined symbols: memory and string functions, and the crypto providers'
    symbols.py selftest LIBIKE.A CC       both must fail on copies of the archive that break the rule

An engine is reentrant because there is nothing to share: no .data, .bss, common or thread-local object, no constructor.
It is sans-IO because nothing it is linked with can do I/O: what an object may leave undefined is listed here.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Sections that are written by the dynamic linker only, before any of our code runs.
READ_ONLY_AFTER_RELOCATION = re.compile(r"\.data\.rel\.ro(\..*)?$")
COMPILER_RT = re.compile(r"(_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(u|s)?(div|mod|divmod|mul|ashl|lshr|ashr|clz|ctz|popcount|bswap)\w*"
                         r"|__(u|fix|float)\w*[ds]i\w*|__cpu_model|__cpu_indicator_init)$")
LIBC = set("""
    memcpy memmove memset memcmp bcmp memchr
    strlen strcmp strncmp strchr strrchr strstr strspn strcspn strnlen
    snprintf vsnprintf strtoul strtoull
    qsort bsearch
    __memcpy_chk __memmove_chk __memset_chk __snprintf_chk __vsnprintf_chk __strcat_chk
    __isoc23_strtoul __isoc23_strtoull explicit_bzero
""".split())
ALLOCATOR = {"malloc", "free"}  # behind the host's NULL allocator: one object only
PROVIDERS = re.compile(r"(sodium_|crypto_|randombytes_|mbedtls_|nettle_|_nettle_|__gmpn_|__gmpz_|__gmp_)\w+$")


def run(*args):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, universal_newlines=True, env=dict(os.environ, LC_ALL="C")).stdout


def members(text):
    """Split readelf's output over an archive into (member, lines)."""
    name, lines = None, []
    for line in text.splitlines():
        m = re.match(r"File: .*\((.*)\)$", line)
        if m:
            if name:
                yield name, lines
            name, lines = m.group(1), []
        else:
            lines.append(line)
    if name:
        yield name, lines


def sections(lines):
    """Section number -> (name, size, flags)."""
    out = {}
    for line in lines:
        m = re.match(r"\s*\[\s*(\d+)\]\s+(\S*)\s+([A-Z_][A-Z_0-9]*)\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)\s+[0-9a-f]+\s+([A-Za-z]*)\s", line)
        if m:
            out[m.group(1)] = (m.group(2), int(m.group(4), 16), m.group(5))
    return out


def symbols(lines):
    """(value, size, type, bind, section, name) of each symbol."""
    for line in lines:
        m = re.match(r"\s*\d+:\s+([0-9a-f]+)\s+(\d+|0x[0-9a-f]+)\s+(\S+)\s+(\S+)\s+\S+\s+(?:\[[^]]*\]\s+)?(\S+)(?:\s+(\S+))?", line)
        if m:
            yield m.groups()


def check_data(archive):
    """Violations of the rule on writable data, as texts."""
    bad, objects = [], 0
    table = {n: list(symbols(l)) for n, l in each(archive, "-sW")}
    for member, lines in each(archive, "-SW"):
        objects += 1
        writable = {}
        for number, (name, size, flags) in sections(lines).items():
            if "W" in flags and "A" in flags and not READ_ONLY_AFTER_RELOCATION.match(name):
                writable[number] = (name, size)
        named = set()
        for _, size, kind, _, where, name in table.get(member, []):
            if where == "COM":
                bad.append("%s: %s is a common symbol" % (member, name))
            elif kind == "TLS" and where != "UND":
                bad.append("%s: %s is thread-local" % (member, name))
                named.add(where)
            elif where in writable and kind not in ("SECTION", "FILE"):
                bad.append("%s: %s in %s, %s octets" % (member, name, writable[where][0], size))
                named.add(where)
        for number, (name, size) in writable.items():
            if size and number not in named:
                bad.append("%s: section %s, %d octets without a name" % (member, name, size))
    if not objects:
        bad.append("%s: no objects in it" % archive)
    return bad, objects


def check_calls(archive):
    """Violations of the rule on what may be called, as texts."""
    table = {}
    defined = set()
    for member, lines in each(archive, "-sW"):
        undefined = set()
        for _, _, _, bind, where, name in symbols(lines):
            if name is None:
                continue
            if where != "UND":
                if bind != "LOCAL":
                    defined.add(name)
            else:
                undefined.add(name)
        table.setdefault(member, set()).update(undefined)
    bad, allocators = [], []
    for member, undefined in sorted(table.items()):
        for name in sorted(undefined - defined):
            if name in ALLOCATOR:
                allocators.append(member)
            elif not (name in LIBC or PROVIDERS.match(name) or COMPILER_RT.match(name)):
                bad.append("%s calls %s" % (member, name))
    if len(set(allocators)) > 1:
        bad.append("more than one object calls malloc or free: " + " ".join(sorted(set(allocators))))
    if not table:
        bad.append("%s: no objects in it" % archive)
    return bad, len(table)


def each(archive, what):
    # readelf leaves the file name out for a single member; an archive of ours never has only one
    return list(members(run("readelf", what, archive)))


BREAKS = {  # name: (check, code, compiler flags, what must be named)
    "static counter": (check_data, "static int counter; int ike_x(void) { return ++counter; }", [], "counter"),
    "static local": (check_data, "int ike_x(void) { static int seen = 3; return seen++; }", [], "seen"),
    "global": (check_data, "int ike_x = 1;", [], "ike_x"),
    "zero global": (check_data, "int ike_x;", ["-fno-common"], "ike_x"),
    "common": (check_data, "int ike_x;", ["-fcommon"], "common"),
    "thread-local": (check_data, "_Thread_local int ike_x;", [], "thread-local"),
    "writable table of pointers": (check_data, "int ike_f(void); int (*ike_x[])(void) = {ike_f};", [], "ike_x"),
    "constructor": (check_data, "__attribute__((constructor)) static void begin(void) { __asm__ volatile(\"\"); }", [], "init_array"),
    "socket": (check_calls, "int socket(int, int, int); int ike_x(void) { return socket(2, 2, 0); }", [], "socket"),
    "clock": (check_calls, "long time(long *); long ike_x(void) { return time(0); }", [], "time"),
    "printing": (check_calls, "int printf(const char *, ...); int ike_x(int i) { return printf(\"%d\", i); }", [], "printf"),
    "environment": (check_calls, "char *getenv(const char *); char *ike_x(void) { return getenv(\"X\"); }", [], "getenv"),
    "assertion": (check_calls, "#include <assert.h>\nvoid ike_x(int i); void ike_x(int i) { assert(i); }", [], "__assert"),
    "malloc of its own": (check_calls, "void *malloc(unsigned long); void *ike_x(void); void *ike_x(void) { return malloc(9); }\n",
                          [], "malloc"),
}
KEEPS = """
struct row { const char *name; int (*f)(void); };
int ike_f(void);
int ike_f(void) { return 1; }
static const struct row table[] = {{"one", ike_f}, {"two", 0}};
const struct row *ike_x(int i);
const struct row *ike_x(int i) { return &table[i]; }
"""


def broken_copy(tmp, archive, cc, code, flags):
    copy = os.path.join(tmp, "libike.a")
    shutil.copy(archive, copy)
    source = os.path.join(tmp, "violation.c")
    with open(source, "w") as f:
        f.write(code)
    run(cc, "-std=c11", "-O1", "-fPIC", "-w", "-fno-builtin", "-c", *flags, "-o", os.path.join(tmp, "violation.o"), source)
    run("ar", "r", copy, os.path.join(tmp, "violation.o"))
    return copy


def selftest(archive, cc):
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name, (check, code, flags, want) in sorted(BREAKS.items()):
            texts, _ = check(broken_copy(tmp, archive, cc, code, flags))
            # a second malloc is named together with the first, by object
            seen = [t for t in texts if want in t and ("violation.o" in t)]
            print("%s: %s" % (name, "seen: " + seen[0] if seen else "NOT SEEN in %r" % texts))
            failed += not seen
        for check in (check_data, check_calls):
            texts, _ = check(broken_copy(tmp, archive, cc, KEEPS, []))
            texts = [t for t in texts if "violation.o" in t]
            print("const table of pointers, %s: %s" % (check.__name__, "WRONGLY REPORTED: %r" % texts if texts else "accepted"))
            failed += bool(texts)
    return failed


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "selftest":
        return 1 if selftest(sys.argv[2], sys.argv[3]) else 0
    if len(sys.argv) != 3 or sys.argv[1] not in ("data", "calls"):
        sys.stderr.write(__doc__)
        return 2
    texts, objects = {"data": check_data, "calls": check_calls}[sys.argv[1]](sys.argv[2])
    for text in texts:
        print(text)
    print("%s: %d objects, %d violations" % (sys.argv[1], objects, len(texts)))
    return 1 if texts else 0


if __name__ == "__main__":
    sys.exit(main())
