# SPDX-License-Identifier: Apache-2.0
"""A process with one engine (tests/support/engine_node.c)."""

from . import node

MIB = 1 << 20


class EngineNode(node.Node):
    program = "engine_node"

    def create(self, metadata="P2PHANDSHAKE", name="127.0.0.1", bind_host="127.0.0.1", **more):
        made = self.do("create", name=name, metadata=metadata, bind_host=bind_host, **more)
        assert made["status"] == "ok", made
        self.segment = made["name"]
        return self

    def memory(self, length, register=True, **more):
        """Address of new memory: a region's, or with host=True the program's own."""
        addr = self.do("memory", bytes=length, **more)
        if register:
            assert self.do("register", addr=addr, bytes=length) == "ok"
        return addr

    def fill(self, addr, length, salt):
        self.do("fill", addr=addr, bytes=length, salt=salt)

    def wrong(self, addr, length, salt):
        """The offset of the first byte that fill() would not have written, or None."""
        at = self.do("check", addr=addr, bytes=length, salt=salt)
        return None if at < 0 else at

    def open(self, segment, timeout_ms=3000):
        opened = self.do("open", name=segment, timeout_ms=timeout_ms)
        assert opened["status"] == "ok", opened
        return opened["segment"]

    def transfer(self, segment, op, requests, timeout_ms=10000):
        return self.do("transfer", segment=segment, op=op, requests=requests,
                       timeout_ms=timeout_ms, timeout=60 + timeout_ms / 1000)

    def moves(self, segment, op, *requests, timeout_ms=10000):
        done = self.transfer(segment, op, list(requests), timeout_ms)
        assert done["status"] == "ok", done


class Nodes(node.Nodes):
    kind, last = EngineNode, "destroy"

    def __call__(self, netns=None, env=None, **create):
        return self.start(netns=netns, env=env).create(**create)
