# SPDX-License-Identifier: Apache-2.0
"""Engines on two hosts, which are network namespaces: links that are cut, peers that stall or die.
Shared memory must not be taken for a way there."""

import time

import pytest

from support import processes
from support.engine_node import MIB

SLACK_MS = 300


@pytest.fixture
def pair(nodes, hosts):
    """Target on b, initiator on a."""
    address = hosts.addresses
    target = nodes(netns=hosts.b, name=address[hosts.b], bind_host="0.0.0.0")
    initiator = nodes(netns=hosts.a, name=address[hosts.a], bind_host="0.0.0.0")
    return target, initiator


def ends_in_time(done, timeout_ms):
    assert done["status"] == "timed out", done
    assert timeout_ms <= done["ms"] <= timeout_ms + SLACK_MS, done


def works(initiator, peer, remote, local):
    return initiator.transfer(peer, "read", [[remote, local, 1]], 1000)["status"] == "ok"


def test_bytes_cross_by_tcp(pair):
    target, initiator = pair
    remote, local = target.memory(8 * MIB), initiator.memory(8 * MIB)
    target.fill(remote, 8 * MIB, 1)
    peer = initiator.open(target.segment)
    initiator.moves(peer, "read", [remote, local, 8 * MIB])
    assert initiator.wrong(local, 8 * MIB, 1) is None
    assert initiator.do("driver", segment=peer) == "tcp"
    initiator.fill(local, 8 * MIB, 2)
    initiator.moves(peer, "write", [remote, local, 8 * MIB])
    assert target.wrong(remote, 8 * MIB, 2) is None


def test_a_link_that_is_cut_and_joined(pair, hosts):
    target, initiator = pair
    remote, local = target.memory(256 * MIB), initiator.memory(256 * MIB)
    target.fill(remote, 256 * MIB, 3)
    peer = initiator.open(target.segment)
    initiator.moves(peer, "read", [remote, local, 64 * MIB])
    # in the middle of a transfer
    batch = initiator.do("begin", segment=peer, op="read", timeout_ms=1500,
                         requests=[[remote, local, 256 * MIB]] * 64)
    time.sleep(0.05)
    hosts.cut()
    ends_in_time(initiator.do("await", batch=batch), 1500)
    # and with a link that is down from the beginning
    ends_in_time(initiator.transfer(peer, "write", [[remote, local, MIB]], 700), 700)
    hosts.join()
    processes.wait_until(lambda: works(initiator, peer, remote, local), 20,
                         "that the joined link works")
    initiator.moves(peer, "read", [remote, local, 64 * MIB])
    assert initiator.wrong(local, 64 * MIB, 3) is None


def test_a_cut_that_is_shorter_than_the_deadline(pair, hosts):
    target, initiator = pair
    remote, local = target.memory(64 * MIB), initiator.memory(64 * MIB)
    target.fill(remote, 64 * MIB, 4)
    peer = initiator.open(target.segment)
    batch = initiator.do("begin", segment=peer, op="read", timeout_ms=20000,
                         requests=[[remote, local, 64 * MIB]] * 64)
    time.sleep(0.05)
    hosts.cut()
    time.sleep(0.5)
    hosts.join()
    assert initiator.do("await", batch=batch)["status"] == "ok"
    assert initiator.wrong(local, 64 * MIB, 4) is None


def test_a_peer_that_stalls(pair):
    target, initiator = pair
    remote, local = target.memory(64 * MIB), initiator.memory(64 * MIB)
    target.fill(remote, 64 * MIB, 5)
    peer = initiator.open(target.segment)
    initiator.moves(peer, "read", [remote, local, MIB])
    target.stall()
    ends_in_time(initiator.transfer(peer, "read", [[remote, local, 64 * MIB]], 1000), 1000)
    # what it still sends when it goes on must not land in memory that is ours again
    initiator.fill(local, 64 * MIB, 6)
    ends_in_time(initiator.transfer(peer, "write", [[remote, local, 32 * MIB]], 1000), 1000)
    target.go_on()
    processes.wait_until(lambda: works(initiator, peer, remote + 63 * MIB, local + 63 * MIB), 10,
                         "that the peer is reached again")
    time.sleep(0.3)
    assert initiator.wrong(local, 63 * MIB, 6) is None
    # the write that was given up may have gone in part, and nothing else may have changed
    assert target.wrong(remote + 32 * MIB, 32 * MIB, 5 + 32 * MIB) is None


def test_a_peer_that_is_killed_and_comes_back(nodes, hosts, pair):
    target, initiator = pair
    remote, local = target.memory(64 * MIB), initiator.memory(64 * MIB)
    peer = initiator.open(target.segment)
    batch = initiator.do("begin", segment=peer, op="read", timeout_ms=10000,
                         requests=[[remote, local, 64 * MIB]] * 64)
    time.sleep(0.05)
    target.kill()
    done = initiator.do("await", batch=batch)
    assert done["status"] != "ok" and done["ms"] < 5000, done
    again = nodes(netns=hosts.b, name=hosts.addresses[hosts.b], bind_host="0.0.0.0")
    anew = again.memory(MIB)
    again.fill(anew, MIB, 7)
    other = initiator.open(again.segment)
    initiator.moves(other, "read", [anew, local, MIB])
    assert initiator.wrong(local, MIB, 7) is None
