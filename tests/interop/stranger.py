#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""A stranger who sends one IKE_SA_INIT request and never goes on: a half-open IKE SA at the responder.

    stranger.py OUR-ADDRESS PEER-ADDRESS

Offers AES-CBC-256, HMAC-SHA-256, Curve25519 and a public value that nobody has the secret of (RFC 7296 section 3.1 to 3.10).
Status 0 if the peer answered with an IKE_SA_INIT response that has an SPI.
"""
import os
import socket
import struct
import sys


def payload(next_type, body):
    return struct.pack("!BBH", next_type, 0, 4 + len(body)) + body


def transform(last, kind, number, attributes=b""):
    return struct.pack("!BBHBBH", 0 if last else 3, 0, 8 + len(attributes), kind, 0, number) + attributes


SA, KE, NONCE, NONE = 33, 34, 40, 0
IKE_SA_INIT, INITIATOR = 34, 0x08


def request():
    transforms = [transform(False, 1, 12, struct.pack("!HH", 0x800E, 256)), transform(False, 2, 5), transform(False, 3, 12),
                  transform(True, 4, 31)]
    body = b"".join(transforms)
    proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(body), 1, 1, 0, len(transforms)) + body
    chain = (payload(KE, proposal) + payload(NONCE, struct.pack("!HH", 31, 0) + os.urandom(32)) + payload(NONE, os.urandom(32)))
    return os.urandom(8) + bytes(8) + struct.pack("!BBBBII", SA, 0x20, IKE_SA_INIT, INITIATOR, 0, 28 + len(chain)) + chain


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 0))
    s.settimeout(10)
    s.sendto(request(), (sys.argv[2], 500))
    try:
        answer = s.recv(65536)
    except OSError:
        return 1
    return 0 if len(answer) > 28 and any(answer[8:16]) else 1


if __name__ == "__main__":
    sys.exit(main())
