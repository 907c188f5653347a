# SPDX-License-Identifier: Apache-2.0
"""Runs inside the environment of one release of upstream's wheel and drives one TransferEngine:
commands on stdin and answers on stdout as JSON lines. The wheel itself prints to stdout; that goes
to stderr."""

import ctypes
import json
import mmap
import os
import sys
import traceback

from pattern import pattern

OUT = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

from mooncake import engine as mooncake  # noqa: E402


class Client:
    def __init__(self):
        self.engine = mooncake.TransferEngine()
        self.memory = []

    def do_create(self, name, metadata):
        """The segment's name."""
        code = self.engine.initialize(name, metadata, "tcp", "")
        assert code == 0, f"initialize: {code}"
        if metadata != "P2PHANDSHAKE":
            return name
        return f"{name}:{self.engine.get_rpc_port()}"

    def do_memory(self, bytes, register):
        self.memory.append(mmap.mmap(-1, bytes))
        addr = ctypes.addressof(ctypes.c_char.from_buffer(self.memory[-1]))
        if register:
            assert self.do_register(addr, bytes) == 0
        return addr

    def do_register(self, addr, bytes):
        return self.engine.register_memory(addr, bytes)

    def do_unregister(self, addr):
        return self.engine.unregister_memory(addr)

    def do_fill(self, addr, bytes, salt):
        ctypes.memmove(addr, pattern(bytes, salt), bytes)

    def do_check(self, addr, bytes, salt):
        """The offset of the first byte that fill() would not have written; -1: none."""
        found, wanted = ctypes.string_at(addr, bytes), pattern(bytes, salt)
        if found == wanted:
            return -1
        return next(i for i in range(bytes) if found[i] != wanted[i])

    def do_transfer(self, segment, op, requests):
        """requests: [[remote, local, bytes], …]"""
        remote, local, lengths = zip(*requests)
        if len(requests) == 1:
            call = getattr(self.engine, f"transfer_sync_{op}")
            return call(segment, local[0], remote[0], lengths[0])
        call = getattr(self.engine, f"batch_transfer_sync_{op}")
        return call(segment, list(local), list(remote), list(lengths))

    def do_transfer_and_notify(self, segment, op, requests, name, text):
        remote, local, lengths = zip(*requests)
        opcode = getattr(mooncake.TransferOpcode, op.capitalize())
        return self.engine.batch_transfer_sync(
            segment, list(local), list(remote), list(lengths), opcode,
            mooncake.TransferNotify(name, text))

    def do_notes(self):
        return [[note.name, note.msg] for note in self.engine.get_notifies()]

    def do_probe(self, segment):
        return self.engine.send_probe(segment)

    def do_first_buffer(self, segment):
        return self.engine.get_first_buffer_address(segment)


def main():
    client = Client()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": getattr(client, "do_" + command.pop("do"))(**command)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        OUT.write(json.dumps(answer) + "\n")
    # The wheel's threads may keep the interpreter from ending.
    os._exit(0)


main()
