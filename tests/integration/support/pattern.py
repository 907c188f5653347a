# SPDX-License-Identifier: Apache-2.0
"""The bytes that engines fill memory with; as fill() of tests/support/engine_node.c has them. No
imports: processes in the environment of a wheel use it too."""

PERIOD = 65521


def _table():
    x, out = 12345, bytearray()
    for _ in range(PERIOD):
        x = (x * 1103515245 + 12345) & 0xffffffff
        out.append(x >> 16 & 0xff)
    return bytes(out)


PATTERN = _table()


def pattern(length, salt):
    """The bytes that fill() writes."""
    table = PATTERN[salt % PERIOD:] + PATTERN[:salt % PERIOD]
    return (table * (length // PERIOD + 1))[:length]
