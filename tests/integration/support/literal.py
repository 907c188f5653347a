# SPDX-License-Identifier: Apache-2.0
"""struct_pack, driven by nothing but a type literal: a second reading of the encoding, independent
of core/wire. Values: integers, bool, bytes (string), list (vector), dict (map), None or the value
(optional), (index, value) (variant), Ok or Err (expected), tuple (struct)."""

import collections
import struct

INTEGERS = {0x01: "<i", 0x02: "<I", 0x03: "<q", 0x04: "<Q", 0x05: "<b", 0x06: "<B", 0x07: "<h",
            0x08: "<H", 0x0c: "<b", 0x11: "<f", 0x12: "<d"}
BOOL, STRING, MAP, VECTOR, OPTIONAL, VARIANT, EXPECTED, VOID, STRUCT = (
    0x0b, 0x80, 0x82, 0x84, 0x85, 0x86, 0x87, 0xfa, 0xfd)
LENGTHS = ("<B", "<H", "<I", "<Q")

Type = collections.namedtuple("Type", "kind parts")
Ok = collections.namedtuple("Ok", "value")
Err = collections.namedtuple("Err", "code")


class Malformed(Exception):
    pass


def parse(literal):
    """The type that a literal spells."""
    made, end = _parse(literal, 0)
    assert end == len(literal), f"{literal.hex()}: {len(literal) - end} bytes left"
    return made


def _parse(literal, at):
    kind = literal[at]
    if kind in INTEGERS or kind in (BOOL, VOID):
        return Type(kind, ()), at + 1
    if kind == STRING:
        assert literal[at + 1] == 0x0c
        return Type(kind, ()), at + 2
    if kind in (VECTOR, OPTIONAL, MAP, EXPECTED):
        parts, at = [], at + 1
        for _ in range(2 if kind in (MAP, EXPECTED) else 1):
            part, at = _parse(literal, at)
            parts.append(part)
        return Type(kind, tuple(parts)), at
    assert kind in (VARIANT, STRUCT), f"{literal.hex()}: no such type {kind:#x} at {at}"
    return _parse_members(literal, at, kind)


def _parse_members(literal, at, kind):
    parts, at = [], at + 1
    while literal[at] != 0xff:
        if kind == STRUCT and literal[at] == 0x89 and literal[at + 1] == 0x89:
            at += 2     # the alignment that a plain memory image states: it takes no bytes
            continue
        part, at = _parse(literal, at)
        parts.append(part)
    return Type(kind, tuple(parts)), at + 1


def default(kind):
    """The value of a type that nothing is said about."""
    if kind.kind in INTEGERS:
        return 0
    simple = {BOOL: False, STRING: b"", VOID: None, OPTIONAL: None}
    if kind.kind in simple:
        return simple[kind.kind]
    if kind.kind == VECTOR:
        return []
    if kind.kind == MAP:
        return {}
    assert kind.kind == STRUCT
    return tuple(default(part) for part in kind.parts)


# ---- writing ----

def _longest(kind, value):
    """The largest length of any container in a value."""
    if kind.kind == STRING:
        return len(value)
    if kind.kind == VECTOR:
        return max([len(value)] + [_longest(kind.parts[0], v) for v in value])
    if kind.kind == OPTIONAL:
        return 0 if value is None else _longest(kind.parts[0], value)
    if kind.kind == STRUCT:
        return max([0] + [_longest(p, v) for p, v in zip(kind.parts, value)])
    return 0


def _write(kind, value, length):
    if kind.kind in INTEGERS:
        return struct.pack(INTEGERS[kind.kind], value)
    if kind.kind == BOOL:
        return bytes([bool(value)])
    if kind.kind == STRING:
        return struct.pack(length, len(value)) + value
    if kind.kind == VECTOR:
        return struct.pack(length, len(value)) + b"".join(
            _write(kind.parts[0], v, length) for v in value)
    if kind.kind == OPTIONAL:
        return b"\0" if value is None else b"\1" + _write(kind.parts[0], value, length)
    assert kind.kind == STRUCT, f"no request holds a type {kind.kind:#x}"
    assert len(value) == len(kind.parts)
    return b"".join(_write(p, v, length) for p, v in zip(kind.parts, value))


def encode(literal, type_hash, value, short=False):
    """A message; with the literal inside, as upstream's programs send it, or in the short form."""
    kind = parse(literal)
    longest = _longest(kind, value)
    width = 0 if longest < 1 << 8 else 1 if longest < 1 << 16 else 2
    payload = _write(kind, value, LENGTHS[width])
    if short and width == 0:
        return struct.pack("<I", type_hash) + payload
    meta = width << 3 | (0 if short else 4)
    return (struct.pack("<IB", type_hash | 1, meta) + (b"" if short else literal + b"\0") + payload)


# ---- reading ----

class _Reader:
    def __init__(self, data):
        self.data, self.at, self.length = data, 0, "<B"

    def take(self, count):
        if self.at + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self, kind):
        if kind.kind in INTEGERS:
            return self.number(INTEGERS[kind.kind])
        return getattr(self, "_" + self.NAMES[kind.kind])(kind)

    NAMES = {BOOL: "bool", STRING: "string", MAP: "map", VECTOR: "vector", OPTIONAL: "optional",
             VARIANT: "variant", EXPECTED: "expected", VOID: "void", STRUCT: "struct"}

    def _bool(self, kind):
        return self.number("<B") != 0

    def _string(self, kind):
        return self.take(self.number(self.length))

    def _vector(self, kind):
        return [self.value(kind.parts[0]) for _ in range(self.number(self.length))]

    def _map(self, kind):
        return {self.value(kind.parts[0]): self.value(kind.parts[1])
                for _ in range(self.number(self.length))}

    def _optional(self, kind):
        return self.value(kind.parts[0]) if self.number("<B") else None

    def _variant(self, kind):
        index = self.number("<B")
        if index >= len(kind.parts):
            raise Malformed(f"alternative {index} of {len(kind.parts)}")
        return index, self.value(kind.parts[index])

    def _expected(self, kind):
        if self.number("<B"):
            return Ok(self.value(kind.parts[0]))
        return Err(self.value(kind.parts[1]))

    def _void(self, kind):
        return None

    def _struct(self, kind):
        return tuple(self.value(part) for part in kind.parts)


def decode(literal, type_hash, message):
    reader = _Reader(message)
    head = reader.number("<I")
    if head & ~1 != type_hash:
        raise Malformed(f"type hash {head & ~1:08x} instead of {type_hash:08x}")
    if head & 1:
        meta = reader.number("<B")
        if meta & 3:
            raise Malformed(f"meta {meta:#x} announces a total length")
        reader.length = LENGTHS[meta >> 3 & 3]
        if meta & 4 and reader.take(len(literal) + 1) != literal + b"\0":
            raise Malformed("another type literal")
    value = reader.value(parse(literal))
    if reader.at != len(message):
        raise Malformed(f"{len(message) - reader.at} bytes too many")
    return value
