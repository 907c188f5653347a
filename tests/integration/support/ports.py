# SPDX-License-Identifier: Apache-2.0
"""Ports that nobody listens on, below the range that the kernel gives to outgoing connections, in a
slice that belongs to this process: workers of pytest-xdist and other runs have their own."""

import functools
import random
import socket

FIRST, SLICE, SLICES = 20000, 500, 24


@functools.cache
def _slice():
    """Claimed for as long as this process lives, by a name that two sockets cannot have."""
    for i in range(SLICES):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0mooncore-test-ports-{i}")
        except OSError:
            claim.close()
            continue
        return FIRST + i * SLICE, claim
    raise RuntimeError(f"{SLICES} test runs at the same time")


_given = set()


def _free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


def free_port():
    first, _ = _slice()
    if len(_given) > SLICE // 2:
        _given.clear()      # those of the tests before are long free again
    left = [p for p in range(first, first + SLICE) if p not in _given]
    random.shuffle(left)
    for port in left:
        if _free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port in {first}..{first + SLICE - 1}")
