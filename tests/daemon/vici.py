#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A VICI client of its own, written from strongSwan's description of the protocol: registers for events and prints each, one
JSON object a line, {"event": NAME, "message": ...}, until the daemon closes.

    vici.py SOCKET EVENT..."""
import json
import socket
import struct
import sys

EVENT_REGISTER, EVENT_CONFIRM, EVENT = 3, 5, 7
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = range(1, 7)


def exactly(s, n):
    got = b""
    while len(got) < n:
        more = s.recv(n - len(got))
        if not more:
            sys.exit(0)
        got += more
    return got


def packet(s):
    return exactly(s, struct.unpack("!I", exactly(s, 4))[0])


class Reader:
    def __init__(self, octets):
        self.left = octets

    def take(self, n):
        if len(self.left) < n:
            sys.exit("a message ends too soon")
        head, self.left = self.left[:n], self.left[n:]
        return head

    def name(self):
        return self.take(self.take(1)[0]).decode()

    def value(self):
        return self.take(struct.unpack("!H", self.take(2))[0]).decode()

    def section(self, outermost=False):
        out = {}
        while self.left or not outermost:
            kind = self.take(1)[0]
            if kind == SECTION_END and not outermost:
                return out
            name = self.name()
            if name in out:
                sys.exit(f"{name} is there twice")
            if kind == SECTION_START:
                out[name] = self.section()
            elif kind == KEY_VALUE:
                out[name] = self.value()
            elif kind == LIST_START:
                out[name] = []
                while (item := self.take(1)[0]) == LIST_ITEM:
                    out[name].append(self.value())
                if item != LIST_END:
                    sys.exit(f"the list {name} holds an element of type {item}")
            else:
                sys.exit(f"an element of type {kind} where none may be")
        return out


path, *events = sys.argv[1:]
s = socket.socket(socket.AF_UNIX)
s.connect(path)
for e in events:
    body = bytes([EVENT_REGISTER, len(e)]) + e.encode()
    s.sendall(struct.pack("!I", len(body)) + body)
    if packet(s)[0] != EVENT_CONFIRM:
        sys.exit(f"there is no event {e}")
print(json.dumps({"event": "registered"}), flush=True)
while True:
    r = Reader(packet(s))
    if r.take(1)[0] == EVENT:
        print(json.dumps({"event": r.name(), "message": r.section(outermost=True)}), flush=True)
