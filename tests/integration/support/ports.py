# SPDX-License-Identifier: Apache-2.0
"""Ports that nobody listens on, below the range that the kernel gives to outgoing connections, in a
slice of its own for each worker of pytest-xdist."""

import os
import random
import socket

FIRST, SLICE, SLICES = 20000, 1000, 12


def _slice():
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return FIRST + int(worker[2:]) % SLICES * SLICE


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
    first = _slice()
    left = [p for p in range(first, first + SLICE) if p not in _given]
    random.shuffle(left)
    for port in left:
        if _free(port):
            _given.add(port)
            return port
    raise RuntimeError(f"no free port in {first}..{first + SLICE - 1}")
