# SPDX-License-Identifier: Apache-2.0
"""Our engine and upstream's TransferEngine move bytes between each other, in both roles."""

import itertools

import pytest

from support import processes
from support.master import NEWEST
from support.wheel import MIB, RELEASES

OLD = "0.3.9"       # writes version 1 of the data channel
SIZES = (1, 7, 24, 4096, 65535, 65537, 3 * MIB + 5, 40 * MIB)
ROOM = sum(SIZES)
REJECTED = "the peer has no such memory registered"
PUBLISHED = {"MC_TCP_BIND_ADDRESS": "127.0.0.1"}


@pytest.fixture(params=["p2p", "mc-master", "mooncake_master"])
def directory(request, cluster):
    """Where segments are found: names for both ends, and the connection string."""
    names = itertools.count()
    if request.param == "p2p":
        return lambda: {"metadata": "P2PHANDSHAKE", "name": "127.0.0.1"}
    master = cluster.master(metadata=True, upstream=request.param == "mooncake_master")
    return lambda: {"metadata": master.metadata, "name": f"segment{next(names)}"}


def pair(cluster, nodes, directory, release=NEWEST, **options):
    return (nodes(env=PUBLISHED, **directory(), **options),
            cluster.engine(release).create(**directory()))


def check_sizes(initiator, target):
    """All sizes, one transfer each; each end looks at its own memory."""
    remote, local = target.memory(ROOM), initiator.memory(ROOM)
    peer = initiator.open(target.segment)
    requests = [[remote + at, local + at, size] for at, size in
                zip(itertools.accumulate(SIZES, initial=0), SIZES)]
    target.fill(remote, ROOM, 1)
    for request in requests:
        initiator.moves(peer, "read", request)
    assert initiator.wrong(local, ROOM, 1) is None
    assert target.wrong(remote, ROOM, 1) is None
    initiator.fill(local, ROOM, 2)
    for request in requests:
        initiator.moves(peer, "write", request)
    # a version 1 write is over for its initiator when the kernel has it: a read comes behind it
    initiator.moves(peer, "read", requests[-1])
    assert target.wrong(remote, ROOM, 2) is None


def check_batches(initiator, target, count=64, size=10_007):
    room = count * size
    remote, local = target.memory(room), initiator.memory(room)
    peer = initiator.open(target.segment)
    # the last first, so that every request has a place that is not its turn's
    requests = [[remote + i * size, local + i * size, size] for i in reversed(range(count))]
    for salt in range(0, 8, 2):
        target.fill(remote, room, salt)
        initiator.moves(peer, "read", *requests)
        assert initiator.wrong(local, room, salt) is None
        initiator.fill(local, room, salt + 1)
        initiator.moves(peer, "write", *requests)
        initiator.moves(peer, "read", *requests)
        assert target.wrong(remote, room, salt + 1) is None


@pytest.mark.parametrize("ours", ["initiator", "target"])
def test_sizes_and_batches(cluster, nodes, directory, ours):
    node, wheel = pair(cluster, nodes, directory)
    ends = (node, wheel) if ours == "initiator" else (wheel, node)
    check_sizes(*ends)
    check_batches(*ends)


@pytest.mark.parametrize("ours", ["initiator", "target"])
@pytest.mark.parametrize("release", [r for r in RELEASES if r != NEWEST])
def test_other_releases(cluster, nodes, release, ours):
    node, wheel = nodes(), cluster.engine(release).create()
    ends = (node, wheel) if ours == "initiator" else (wheel, node)
    if release == OLD:
        check_sizes(*ends)
    check_batches(*ends)


def test_both_at_once(cluster, nodes):
    """Each end is initiator and target at the same time, and the lcore has both to do."""
    node, wheel = nodes(), cluster.engine().create()
    size = 4 * MIB
    ours, theirs = node.memory(4 * size), wheel.memory(4 * size)
    peer = node.open(wheel.segment)
    node.fill(ours, 2 * size, 1)
    wheel.fill(theirs, 2 * size, 2)
    for _ in range(10):
        wheel.begin("transfer", segment=node.segment, op="read", requests=[
            [ours + i * MIB, theirs + 2 * size + i * MIB, MIB] for i in range(8)])
        node.moves(peer, "read", *([theirs + i * MIB, ours + 2 * size + i * MIB, MIB]
                                   for i in range(8)))
        assert wheel.end() == 0
    assert node.wrong(ours + 2 * size, 2 * size, 2) is None
    assert wheel.wrong(theirs + 2 * size, 2 * size, 1) is None


def test_what_is_not_registered(cluster, nodes):
    node, wheel = nodes(), cluster.engine().create()
    ours, theirs = node.memory(MIB), wheel.memory(MIB)
    peer = node.open(wheel.segment)
    for addr, size in ((theirs + MIB - 1, 2), (theirs - 1, 2), (16, 8)):
        done = node.transfer(peer, "read", [[addr, ours, size]])
        assert done["status"] == REJECTED, (addr, done)
        # the wheel may reset the connection before its answer is seen
        done = node.transfer(peer, "write", [[addr, ours, size]])
        assert done["status"] in (REJECTED, "connection closed"), (addr, done)
    for addr, size in ((ours + MIB - 1, 2), (ours - 1, 2), (16, 8)):
        assert wheel.transfer(node.segment, "write", [[addr, theirs, size]]) == -1
    node.moves(peer, "read", [theirs, ours, MIB])
    wheel.moves(node.segment, "read", [ours, theirs, MIB])
    assert node.do("unregister", addr=ours) == "ok"
    assert wheel.transfer(node.segment, "read", [[ours, theirs, 1]]) == -1
    assert wheel.do("unregister", addr=theirs) == 0
    assert node.transfer(peer, "read", [[theirs, ours, 1]])["status"] != "ok"


def test_one_bad_request_of_a_batch(cluster, nodes):
    """The others of the batch arrive."""
    node, wheel = nodes(), cluster.engine().create()
    ours, theirs = node.memory(MIB), wheel.memory(MIB)
    peer = node.open(wheel.segment)
    wheel.fill(theirs, MIB, 3)
    requests = [[theirs + i * 4096, ours + i * 4096, 4096] for i in range(32)]
    requests[7][0] = 4096
    done = node.transfer(peer, "read", requests)
    assert [i for i, s in enumerate(done["statuses"]) if s != "ok"] == [7], done
    assert node.wrong(ours, 7 * 4096, 3) is None


def test_notify_probe_and_buffers(cluster, nodes, directory):
    node, wheel = pair(cluster, nodes, directory)
    ours, theirs = node.memory(MIB), wheel.memory(MIB)
    peer = node.open(wheel.segment)
    assert [buffer[:2] for buffer in node.do("buffers", segment=peer)] == [[theirs, MIB]]
    assert wheel.do("first_buffer", segment=node.segment) == ours
    node.moves(peer, "read", [theirs, ours, MIB])
    assert node.do("driver", segment=peer) == "tcp"
    assert node.do("probe", segment=peer, timeout_ms=3000) == "ok"
    assert wheel.do("probe", segment=node.segment) == 0
    assert node.do("notify", segment=peer, name="it\u00e9m", text='"\n', timeout_ms=3000) == "ok"
    assert wheel.do("notes") == [["it\u00e9m", '"\n']]
    assert wheel.do("transfer_and_notify", segment=node.segment, op="write",
                    requests=[[ours, theirs, 4096]], name="a", text="b") == 0
    assert node.do("notes") == [["a", "b"]]


def test_killed_wheel_and_its_successor(cluster, nodes):
    """A name of the metadata server, of a process that was killed and started again."""
    master = cluster.master(metadata=True)
    node = nodes(metadata=master.metadata, name="ours", env=PUBLISHED)
    wheel = cluster.engine().create(metadata=master.metadata, name="theirs")
    ours, theirs = node.memory(MIB), wheel.memory(MIB)
    peer = node.open("theirs")
    node.moves(peer, "read", [theirs, ours, MIB])
    wheel.kill()
    done = node.transfer(peer, "read", [[theirs, ours, MIB]], 3000)
    assert done["status"] != "ok" and done["ms"] < 3300, done
    again = cluster.engine().create(metadata=master.metadata, name="theirs")
    anew = again.memory(MIB)
    again.fill(anew, MIB, 4)
    processes.wait_until(
        lambda: node.transfer(peer, "read", [[anew, ours, MIB]], 3000)["status"] == "ok",
        5, "that the successor is reached")
    assert node.wrong(ours, MIB, 4) is None
    assert node.transfer(peer, "read", [[theirs, ours, 1]], 3000)["status"] != "ok"


@pytest.mark.parametrize("metadata", [False, True], ids=["p2p", "http"])
def test_objects_of_a_store_client_by_address(cluster, nodes, metadata):
    """The memory of a store client is a segment as any other."""
    master = cluster.master(metadata=metadata)
    client = cluster.client().setup(master)
    node = nodes(metadata=master.metadata, env=PUBLISHED,
                 name="ours" if metadata else "127.0.0.1")
    assert client.do("put", keys=["a", "b"], size=MIB) == [0, 0]
    taken, other = node.memory(MIB), node.memory(MIB)
    node.fill(other, MIB, 5)
    for key in ("a", "b"):
        endpoint, addr, size = client.do("where", key=key)
        assert size == MIB
        peer = node.open(endpoint)
        node.moves(peer, "read", [addr, taken, size])
        node.moves(peer, "write", [addr, other, size])
        assert client.do("get", keys=[key], size=size) != ["ok"]
        node.moves(peer, "write", [addr, taken, size])
        assert client.do("get", keys=[key], size=size) == ["ok"]
