#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The shape of the source tree.

    tree.py sizes SOURCE-DIR     files have at most 800 lines, C functions at most 80 (universal-ctags), lines at most 130 columns
    tree.py readmes SOURCE-DIR   each folder with sources has a README.md
    tree.py licence SOURCE-DIR   each C file begins with its licence and says what it is for
"""
import json
import os
import re
import shutil
import subprocess
import sys

MAX_FILE, MAX_FUNCTION, MAX_COLUMN = 800, 80, 130
SOURCE = (".c", ".h", ".py", ".sh", ".cmake")
SKIP = {".git", "build", "__pycache__", ".cache"}
# Folders whose files are one thing with the folder above it.
PART_OF_PARENT = re.compile(r"^(include|include/ike/.*|tests/interop/.+|tests/meta/.+|bindings/python/.+)$")


def walk(root):
    for folder, dirs, files in os.walk(root):
        dirs[:] = sorted(d for d in dirs if d not in SKIP)
        yield os.path.relpath(folder, root), sorted(files)


def read_lines(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read().splitlines()


def is_script(path):
    try:
        with open(path, "rb") as f:
            return f.read(2) == b"#!"
    except OSError:
        return False


def functions(paths):
    """(path, name, length) of each C function."""
    ctags = shutil.which("ctags-universal") or shutil.which("ctags")
    if not ctags:
        sys.exit("universal-ctags is not installed")
    out = subprocess.run([ctags, "--quiet=yes", "--options=NONE", "--output-format=json", "--fields=+ne", "--kinds-C=f", "--kinds-C++=f",
                          "--langmap=C:.c.h", "-L", "-", "-f", "-"], input="\n".join(paths), check=True, stdout=subprocess.PIPE,
                         universal_newlines=True).stdout
    for line in out.splitlines():
        tag = json.loads(line)
        if "end" in tag:
            yield tag["path"], tag["name"], tag["end"] - tag["line"] + 1


def sizes(root):
    bad, code, count = [], [], 0
    for folder, files in walk(root):
        for name in files:
            path = os.path.join(root, folder, name)
            where = os.path.normpath(os.path.join(folder, name))
            if not (name.endswith(SOURCE) or is_script(path)):
                continue
            count += 1
            lines = read_lines(path)
            if len(lines) > MAX_FILE:
                bad.append("%s has %d lines (at most %d)" % (where, len(lines), MAX_FILE))
            if name.endswith((".c", ".h")):
                code.append(path)
                bad += ["%s:%d has %d columns (at most %d)" % (where, i + 1, len(l), MAX_COLUMN)
                        for i, l in enumerate(lines) if len(l) > MAX_COLUMN]
    total = 0
    for path, name, length in functions(code):
        total += 1
        if length > MAX_FUNCTION:
            bad.append("%s: %s has %d lines (at most %d)" % (os.path.relpath(path, root), name, length, MAX_FUNCTION))
    if not total:
        bad.append("no functions were found")
    return bad, "%d files, %d functions" % (count, total)


def readmes(root):
    bad, count = [], 0
    for folder, files in walk(root):
        if any(n.endswith(SOURCE) or n == "CMakeLists.txt" for n in files) and not PART_OF_PARENT.match(folder):
            count += 1
            if "README.md" not in files:
                bad.append("%s has no README.md" % folder)
            elif folder != "." and len(read_lines(os.path.join(root, folder, "README.md"))) < 3:
                bad.append("%s/README.md says nothing" % folder)
    return bad, "%d folders" % count


def licence(root):
    bad, count = [], 0
    for folder, files in walk(root):
        for name in files:
            if name.endswith((".c", ".h")):
                count += 1
                text = "\n".join(read_lines(os.path.join(root, folder, name))[:12])
                if not re.match(r"/\* SPDX-License-Identifier: ISC\s*\n \*[^/]*\w", text):
                    bad.append("%s does not begin with its licence and purpose" % os.path.normpath(os.path.join(folder, name)))
    return bad, "%d files" % count


def main():
    checks = {"sizes": sizes, "readmes": readmes, "licence": licence}
    if len(sys.argv) != 3 or sys.argv[1] not in checks:
        sys.stderr.write(__doc__)
        return 2
    bad, what = checks[sys.argv[1]](os.path.abspath(sys.argv[2]))
    for text in bad:
        print(text)
    print("%s: %s, %d violations" % (sys.argv[1], what, len(bad)))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
