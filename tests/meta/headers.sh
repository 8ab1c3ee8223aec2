#!/bin/sh
# SPDX-License-Identifier: ISC
# Each public header compiles alone, as C11 and as C++17, and twice in one file:
#     headers.sh INCLUDE-DIR CC CXX
include=$1 cc=$2 cxx=$3
failed=0
try() {
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" | "$@" -I"$include" -fsyntax-only - || {
        echo "$header does not compile alone: $*"
        failed=1
    }
}
n=0
for path in "$include"/ike/*.h; do
    header=ike/${path##*/}
    n=$((n + 1))
    try "$cc" -std=c11 -x c -Wall -Wextra -Wpedantic -Wstrict-prototypes -Wundef -Wconversion -Werror
    try "$cxx" -std=c++17 -x c++ -Wall -Wextra -Wpedantic -Wundef -Wconversion -Werror
done
echo "headers: $n, as C11 and C++17"
[ $n -gt 0 ] && [ $failed = 0 ]
