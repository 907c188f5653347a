# SPDX-License-Identifier: Apache-2.0
"""A process with a TransferEngine of one release of upstream's wheel, with the calls of
engine_node.EngineNode."""

from .wheel import Wheel


class WheelEngine(Wheel):
    script = "wheel_engine_client.py"

    def create(self, metadata="P2PHANDSHAKE", name="127.0.0.1"):
        self.segment = self.do("create", name=name, metadata=metadata)
        return self

    def memory(self, length, register=True):
        return self.do("memory", bytes=length, register=register)

    def fill(self, addr, length, salt):
        self.do("fill", addr=addr, bytes=length, salt=salt)

    def wrong(self, addr, length, salt):
        """The offset of the first byte that fill() would not have written, or None."""
        at = self.do("check", addr=addr, bytes=length, salt=salt)
        return None if at < 0 else at

    def open(self, segment):
        """Its calls take names."""
        return segment

    def transfer(self, segment, op, requests):
        return self.do("transfer", segment=segment, op=op, requests=requests)

    def moves(self, segment, op, *requests):
        code = self.transfer(segment, op, list(requests))
        assert code == 0, f"{self.name} {self.release}: {op} of {len(requests)} returned {code}"
