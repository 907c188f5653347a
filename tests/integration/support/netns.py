# SPDX-License-Identifier: Apache-2.0
"""Hosts as network namespaces, joined by a pair of virtual interfaces that a test can cut."""

import itertools
import os
import subprocess

import pytest

_numbers = itertools.count()


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class TwoHosts:
    """a and b: names of the namespaces; addresses: of each."""

    def __init__(self):
        number = next(_numbers)
        stem = f"mc{os.getpid() % 100000}x{number}"
        self.a, self.b = f"{stem}a", f"{stem}b"
        self.links = {self.a: f"{stem}A"[-15:], self.b: f"{stem}B"[-15:]}
        self.addresses = {self.a: "10.77.0.1", self.b: "10.77.0.2"}

    def make(self):
        for host in (self.a, self.b):
            _ip("netns", "add", host)
        _ip("link", "add", self.links[self.a], "netns", self.a, "type", "veth", "peer", "name",
            self.links[self.b], "netns", self.b)
        for host in (self.a, self.b):
            _ip("-n", host, "addr", "add", f"{self.addresses[host]}/24", "dev", self.links[host])
            _ip("-n", host, "link", "set", self.links[host], "up")
            _ip("-n", host, "link", "set", "lo", "up")

    def cut(self):
        _ip("-n", self.b, "link", "set", self.links[self.b], "down")

    def join(self):
        _ip("-n", self.b, "link", "set", self.links[self.b], "up")

    def remove(self):
        for host in (self.a, self.b):
            subprocess.run(["ip", "netns", "del", host], capture_output=True)


def two_hosts():
    """For a fixture: skips where namespaces cannot be made."""
    hosts = TwoHosts()
    try:
        hosts.make()
    except OSError as error:
        hosts.remove()
        pytest.skip(f"no network namespaces here: {error}")
    try:
        yield hosts
    finally:
        hosts.remove()
