#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Make tests/unit/recorded_v1.h from what a run of the scenario libreswan-ikev1-recorded left.

    run -v -o DIR libreswan-ikev1-recorded.0
    recorded.py DIR/libreswan-ikev1-recorded.0 >tests/unit/recorded_v1.h
"""
import os
import re
import sys

MODES = {2: ("Main Mode", 6), 4: ("Aggressive Mode", 3)}
# name of the member, and of the value in charon's log
VALUES = (("g_xy", "shared Diffie Hellman secret"), ("skeyid", "SKEYID"), ("skeyid_d", "SKEYID_d"), ("skeyid_a", "SKEYID_a"),
          ("skeyid_e", "SKEYID_e"), ("ka", "encryption key Ka"), ("hash_i", "HASH_I"), ("hash_r", "HASH_R"))
PEERS = ("10.66.0.1", "10.66.0.2")
HEAD = """/* SPDX-License-Identifier: ISC
 *
 * Phase 1 between strongSwan %s (10.66.0.1) and Libreswan %s (10.66.0.2): the datagrams as they passed, and what strongSwan
 * logged about them (ike = 4). Of HASH_I and HASH_R one is its own, the other what it expected of Libreswan, whose proof is
 * in its last message. Recorded by tests/interop/run -v -o DIR libreswan-ikev1-recorded.0, made by tests/interop/recorded.py.
 * Addresses and identities: the initiator's first.
 */
#ifndef TESTS_UNIT_RECORDED_V1_H
#define TESTS_UNIT_RECORDED_V1_H

/* clang-format off */
static const struct recorded {
    const char *name, *address[2], *id[2], *psk, *message[6];
    const char *g_xy, *skeyid, *skeyid_d, *skeyid_a, *skeyid_e, *ka, *hash_i, *hash_r;
} recorded[] = {"""
TAIL = """};
/* clang-format on */

#endif"""


def read(folder, name, mode="r"):
    with open(os.path.join(folder, name), mode) as f:
        return f.read()


def datagrams(pcap):
    """(time, sender, payload) of UDP over IPv4 over Ethernet; the files are written and read on one machine."""
    at, order = 24, sys.byteorder
    assert int.from_bytes(pcap[:4], order) == 0xA1B2C3D4
    while at < len(pcap):
        seconds, micro, n = (int.from_bytes(pcap[at + i:at + i + 4], order) for i in (0, 4, 8))
        frame, at = pcap[at + 16:at + 16 + n], at + 16 + n
        if frame[12:14] == b"\x08\x00" and frame[23] == 17:
            udp = frame[14 + 4 * (frame[14] & 15):]
            yield (seconds, micro), ".".join(str(i) for i in frame[26:30]), udp[8:int.from_bytes(udp[4:6], "big")]


def phase1(folder):
    """The exchanges that went through: their messages, and who began."""
    found = {}
    packets = [d for n in "ab" for d in datagrams(read(folder, n + ".pcap", "rb"))]
    for _, sender, m in sorted(packets):
        if len(m) >= 28 and m[17] == 0x10 and m[18] in MODES:
            x = found.setdefault(m[:8], {"mode": m[18], "began": sender, "messages": []})
            if m not in x["messages"]:
                x["messages"].append(m)
    return [x for x in found.values() if len(x["messages"]) == MODES[x["mode"]][1]]


def logged(text):
    """The first value of each name in charon's log."""
    values, wanted = {}, ""
    for line in text.splitlines():
        line = re.sub(r"^\d+\[IKE\] ", "", line)
        begin, dump = re.match(r"(\S.*) => (\d+) bytes @", line), re.match(r" +\d+: ((?:[0-9A-F]{2} )+)", line)
        if begin:
            wanted = begin.group(1) if begin.group(1) not in values else ""
            values.setdefault(begin.group(1), [int(begin.group(2)), b""])
        elif dump and wanted:
            values[wanted][1] += bytes.fromhex(dump.group(1))
        else:
            wanted = ""
    assert all(n == len(v) for n, v in values.values())
    return {k: v for k, (_, v) in values.items()}


def literal(octets):
    """On the line of its name if it fits there, else on lines of its own."""
    lines = ['"%s"' % octets.hex()[i:i + 112] for i in range(0, 2 * len(octets), 112)]
    return " " + lines[0] if len(octets) <= 50 else "".join("\n      " + line for line in lines)


def row(exchange, values, conf):
    sides = (0, 1) if exchange["began"] == PEERS[0] else (1, 0)
    print('    {.name = "%s, begun by %s",' % (MODES[exchange["mode"]][0], ("strongSwan", "Libreswan")[sides[0]]))
    print('     .address = {"%s", "%s"},' % tuple(PEERS[i] for i in sides))
    print('     .id = {"%s", "%s"},' % tuple(re.search(" id-%s = (.*)" % "ab"[i], conf).group(1) for i in sides))
    print('     .psk = "%s",' % re.search(' secret = "(.*)"', conf).group(1))
    print("     .message = {%s}," % ",".join(literal(m) for m in exchange["messages"]))
    print(",\n".join("     .%s =%s" % (member, literal(values[name])) for member, name in VALUES) + "},")


def main(folder):
    charon, conf = read(folder, "a.log"), read(folder, "a.conf")
    runs = re.split(r".*Starting IKE charon daemon \(strongSwan ([\d.]+).*", charon)
    exchanges = phase1(folder)
    assert len(exchanges) == len(runs) // 2
    print(HEAD % (runs[1], re.search(r"Libreswan Version ([\d.]+)", read(folder, "b.log")).group(1)))
    for exchange, text in zip(exchanges, runs[2::2]):
        row(exchange, logged(text), conf)
    print(TAIL)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
