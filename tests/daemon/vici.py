#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A VICI client of its own, written from strongSwan's description of the protocol. As a program: registers for events and prints
each, one JSON object a line, {"event": NAME, "message": ...}, until the daemon closes.

    vici.py SOCKET EVENT..."""
import json
import socket
import struct
import sys

CMD_REQUEST, CMD_RESPONSE, CMD_UNKNOWN, EVENT_REGISTER, EVENT_UNREGISTER, EVENT_CONFIRM, EVENT_UNKNOWN, EVENT = range(8)
SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = range(1, 7)


class Unknown(Exception):
    """There is no command, or no event, of that name."""


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


def short(text):
    return bytes([len(text)]) + text.encode()


def encode(message):
    """Values only: no request needs more."""
    return b"".join(bytes([KEY_VALUE]) + short(key) + struct.pack("!H", len(value)) + value.encode() for key, value in message.items())


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)

    def exactly(self, n):
        got = b""
        while len(got) < n:
            more = self.socket.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def packet(self):
        return self.exactly(struct.unpack("!I", self.exactly(4))[0])

    def send(self, kind, name, message=None):
        body = bytes([kind]) + short(name) + encode(message or {})
        self.socket.sendall(struct.pack("!I", len(body)) + body)

    def event(self):
        """The next one: its name and message."""
        while True:
            r = Reader(self.packet())
            if r.take(1)[0] == EVENT:
                return r.name(), r.section(outermost=True)

    def register(self, *events, kind=EVENT_REGISTER):
        for e in events:
            self.send(kind, e)
            if self.packet()[0] != EVENT_CONFIRM:
                raise Unknown(e)

    def call(self, command, stream=None, **message):
        """The response, and the messages of all events `stream` that came before it."""
        seen = []
        if stream:
            self.register(stream)
        self.send(CMD_REQUEST, command, {key.replace("_", "-"): str(value) for key, value in message.items()})
        while True:
            r = Reader(self.packet())
            kind = r.take(1)[0]
            if kind == CMD_UNKNOWN:
                raise Unknown(command)
            if kind == CMD_RESPONSE:
                answer = r.section(outermost=True)
                break
            if kind == EVENT and r.name() == stream:
                seen.append(r.section(outermost=True))
        if stream:
            self.register(stream, kind=EVENT_UNREGISTER)
        return answer, seen


def main(path, *events):
    c = Client(path)
    try:
        c.register(*events)
        print(json.dumps({"event": "registered"}), flush=True)
        while True:
            name, message = c.event()
            print(json.dumps({"event": name, "message": message}), flush=True)
    except Unknown as e:
        sys.exit(f"there is no event {e}")
    except EOFError:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
