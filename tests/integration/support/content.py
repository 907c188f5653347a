# SPDX-License-Identifier: Apache-2.0
"""What an object must hold: bytes that follow from its key, size and salt, so that another object's
bytes, an older value's bytes and bytes at a wrong offset are all noticed. Shared with the process
that runs inside a wheel's environment: standard library only."""

import hashlib


def content(key, size, salt=""):
    return hashlib.shake_128(f"{salt}\0{key}\0{size}".encode()).digest(size)


def judge(got, key, size, salt=""):
    """'ok', 'miss', or what is wrong."""
    if len(got) == 0:
        return "miss"
    want = content(key, size, salt)
    if bytes(got) == want:
        return "ok"
    if len(got) != size:
        return f"wrong: {len(got)} bytes instead of {size}"
    first = next(i for i in range(size) if got[i] != want[i])
    return f"wrong: byte {first} of {size} is {got[first]:#04x}, not {want[first]:#04x}"
