# SPDX-License-Identifier: Apache-2.0
"""A client of the master RPC that knows of each release only what the recorded table says: function
ids, type hashes and type literals."""

import json
import socket
import struct

from . import literal
from .literal import BOOL, STRING, STRUCT, VECTOR
from .master import ROOT

VECTORS = ROOT / "tests" / "vectors" / "master_rpc"
U64, UUID = 0x04, literal.parse(bytes.fromhex("fd04048989ff"))


def tables():
    return json.loads((VECTORS / "rpc_table_by_version.json").read_text())


def header(function_id, length, seq=0, magic=0x15, version=0, serialize=0, message=0, attach=0):
    return struct.pack("<BBBBIIII", magic, version, serialize, message, seq, function_id, length,
                       attach)


class Closed(Exception):
    pass


class Connection:
    """Frames on one TCP connection."""

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sequence = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read(self, count):
        data = b""
        while len(data) < count:
            try:
                more = self.socket.recv(count - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                raise Closed(f"after {len(data)} of {count} bytes")
            data += more
        return data

    def closed_by_peer(self, timeout=5):
        """Whether the peer closes without a byte."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False

    def send(self, function_id, body=b"", **fields):
        self.sequence += 1
        self.socket.sendall(header(function_id, len(body), self.sequence, **fields) + body)
        return self.sequence

    def receive(self):
        """(sequence number, framing-level error code, body) of the next answer."""
        magic, version, code, _, seq, length, attach = struct.unpack("<BBBBIII", self.read(16))
        assert (magic, version, attach) == (0x15, 0, 0)
        return seq, code, self.read(length)


class Rejected(Exception):
    """A framing-level error code."""


def _fill(kind, values):
    """A value of a type: each leaf of a kind takes the next given value of that kind, in order, and
    the empty value when none is left. values: {"uuid" | "string" | "u64" | "i32" | "bool" |
    "vector of ...": list}."""
    if kind == UUID:
        return values["uuid"].pop(0)
    if kind.kind == STRUCT:
        return tuple(_fill(part, values) for part in kind.parts)
    if kind.kind == VECTOR:
        given = values.get("vector_of_" + _leaf(kind.parts[0]), [])
        return [_element(kind.parts[0], each) for each in given.pop(0)] if given else []
    given = values.get(NAMES.get(kind.kind), [])
    return given.pop(0) if given else literal.default(kind)


NAMES = {STRING: "string", U64: "u64", BOOL: "bool", 0x01: "i32"}


def _leaf(kind):
    """The name of the first leaf of a type."""
    if kind == UUID:
        return "uuid"
    return NAMES.get(kind.kind, "other") if not kind.parts else _leaf(kind.parts[0])


def _element(kind, given):
    """An element of a vector: of a plain value for its first leaf, or of values for all."""
    if kind.kind == VECTOR:
        return [_element(kind.parts[0], given)]     # an object in one slice
    return _fill(kind, {k: list(v) for k, v in given.items()} if isinstance(given, dict)
                 else {_leaf(kind): [given]})


class Client:
    """Calls of one release over one connection."""

    def __init__(self, port, release, short=False, timeout=10):
        self.table = tables()[release]
        self.connection = Connection(port, timeout)
        self.short = short

    def close(self):
        self.connection.socket.close()

    def has(self, function):
        return function in self.table

    def body(self, function, **values):
        row = self.table[function]
        if row["args_literal"] is None:
            return b""
        kind = bytes.fromhex(row["args_literal"])
        value = _fill(literal.parse(kind), {k: list(v) for k, v in values.items()})
        return literal.encode(kind, int(row["args_hash"], 16), value, self.short)

    def call(self, function, **values):
        row = self.table[function]
        sent = self.connection.send(int(row["id"], 16), self.body(function, **values))
        seq, code, body = self.connection.receive()
        assert seq == sent
        if code:
            raise Rejected(f"{function}: code {code}, {body!r}")
        return literal.decode(bytes.fromhex(row["result_literal"]), int(row["result_hash"], 16),
                              body)
