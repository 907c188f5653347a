# SPDX-License-Identifier: Apache-2.0
"""Engines on one host: bytes by every way, memory that goes, peers that die and come back."""

import os
import random
import time

import pytest

from support import processes
from support.engine_node import MIB

SOAK_SECONDS = int(os.environ.get("MC_TEST_SOAK_SECONDS", "8"))
WAYS = {"shm": {}, "tcp": {"drivers": "tcp"}, "inline shm": {"inline": True},
        "inline tcp": {"drivers": "tcp", "inline": True},
        "version 1 tcp": {"drivers": "tcp", "env": {"MC_TCP_PROTO": "1"}}}
SIZES = (1, 7, 64, 4095, 4096, 65536, 65537, MIB + 3, 16 * MIB)


def sockets_to(pid, port):
    """Established TCP connections of @pid to @port of the loopback."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except OSError:
            continue
    count = 0
    for table in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{table}") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                remote = int(fields[2].rpartition(":")[2], 16)
                if fields[3] == "01" and remote == port and f"socket:[{fields[9]}]" in inodes:
                    count += 1
    return count


def available():
    with open("/proc/meminfo") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) << 10


def mapped(pid):
    """Bytes of memory that other processes may have mapped too."""
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("RssShmem")) << 10


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", [False, True], ids=["region", "host memory"])
def test_bytes_of_every_size(nodes, way, host):
    target, initiator = nodes(), nodes(**WAYS[way])
    room = sum(SIZES)
    remote, local = target.memory(room, host=host), initiator.memory(room, host=host)
    peer = initiator.open(target.segment)
    at, requests = 0, []
    for size in SIZES:
        requests.append([remote + at, local + at, size])
        at += size
    target.fill(remote, room, 1)
    initiator.moves(peer, "read", *requests)
    assert initiator.wrong(local, room, 1) is None
    initiator.fill(local, room, 2)
    initiator.moves(peer, "write", *requests)
    assert target.wrong(remote, room, 2) is None
    expected = way.split()[-1]
    assert initiator.do("driver", segment=peer) == expected


def test_own_process(nodes):
    node = nodes()
    a, b = node.memory(MIB), node.memory(MIB)
    peer = node.open(node.segment)
    node.fill(a, MIB, 3)
    node.moves(peer, "read", [a, b, MIB])
    assert node.wrong(b, MIB, 3) is None


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_many_at_once_need_few_sockets(nodes, way):
    target, initiator = nodes(), nodes(**WAYS[way])
    remote, local = target.memory(64 * MIB), initiator.memory(64 * MIB)
    peer = initiator.open(target.segment)
    target.fill(remote, 64 * MIB, 4)
    port = None
    batches = []
    for i in range(32):
        batches.append(initiator.do("begin", segment=peer, op="read", timeout_ms=20000, requests=[
            [remote + (i * 16 + k) * 131072, local + (i * 16 + k) * 131072, 131072]
            for k in range(16)]))
    with open(f"/proc/{target.pid}/net/tcp6") as v6, open(f"/proc/{target.pid}/net/tcp") as v4:
        lines = [line.split() for line in list(v6)[1:] + list(v4)[1:]]
    ports = {int(fields[1].rpartition(":")[2], 16) for fields in lines if fields[3] == "0A"}
    connections = {port: sockets_to(initiator.pid, port) for port in ports}
    for batch in batches:
        assert initiator.do("await", batch=batch)["status"] == "ok"
    assert initiator.wrong(local, 64 * MIB, 4) is None
    assert max(connections.values()) <= 8, connections
    assert (max(connections.values()) > 0) == (way == "tcp"), connections


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_memory_that_is_not_registered(nodes, way):
    target, initiator = nodes(), nodes(**WAYS[way])
    remote, local = target.memory(MIB), initiator.memory(MIB)
    later = target.memory(MIB, register=False)
    peer = initiator.open(target.segment)
    rejected = "the peer has no such memory registered"
    initiator.moves(peer, "read", [remote, local, MIB])
    for addr, size in ((remote + MIB - 1, 2), (remote - 1, 2), (later, 1), (4096, 1)):
        done = initiator.transfer(peer, "write", [[addr, local, size]], 5000)
        assert done["status"] == rejected, (addr, done)
    # what is registered later is found, what is unregistered is not any more
    target.fill(later, MIB, 5)
    assert target.do("register", addr=later, bytes=MIB) == "ok"
    initiator.moves(peer, "read", [later, local, MIB])
    assert initiator.wrong(local, MIB, 5) is None
    assert target.do("unregister", addr=later) == "ok"
    processes.wait_until(
        lambda: initiator.transfer(peer, "read", [[later, local, 1]], 5000)["status"] == rejected,
        2, "that unregistered memory is refused")
    initiator.moves(peer, "read", [remote, local, MIB])


def test_memory_in_use_stays_registered(nodes):
    target, initiator = nodes(), nodes(drivers="tcp")
    remote, local = target.memory(MIB), initiator.memory(MIB)
    peer = initiator.open(target.segment)
    initiator.moves(peer, "read", [remote, local, 1])
    target.stall()
    batch = initiator.do("begin", segment=peer, op="read", timeout_ms=1500,
                         requests=[[remote, local, MIB]])
    assert initiator.do("unregister", addr=local) == "busy"
    assert initiator.do("await", batch=batch)["status"] == "timed out"
    assert initiator.do("unregister", addr=local) == "ok"
    target.go_on()


def test_imported_memory_of_a_killed_peer_goes(nodes):
    # so much that what other tests do meanwhile does not matter
    size = 2048 * MIB
    target, initiator = nodes(), nodes()
    remote, local = target.memory(size), initiator.memory(MIB)
    target.fill(remote, size, 6)
    peer = initiator.open(target.segment)
    initiator.moves(peer, "read", [remote + size - MIB, local, MIB])
    assert initiator.do("driver", segment=peer) == "shm"
    before = available()
    target.kill()
    processes.wait_until(lambda: available() - before > size // 3, 1.5,
                         "that the memory of the killed peer is free")
    processes.wait_until(lambda: mapped(initiator.pid) < size // 3, 1,
                         "that it is not mapped any more")
    done = initiator.transfer(peer, "read", [[remote, local, 1]], 5000)
    assert done["status"] != "ok" and done["ms"] < 2000, done


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_a_killed_peer_fails_its_transfers_soon(nodes, way):
    target, initiator = nodes(), nodes(**WAYS[way])
    remote, local = target.memory(MIB), initiator.memory(MIB)
    peer = initiator.open(target.segment)
    initiator.moves(peer, "read", [remote, local, MIB])
    target.kill()
    # memory that both have is there until the hang-up is seen
    processes.wait_until(
        lambda: initiator.transfer(peer, "read", [[remote, local, 1]], 20000)["status"] != "ok",
        1, "that the peer is missed")
    for _ in range(3):
        done = initiator.transfer(peer, "read", [[remote, local, MIB]], 20000)
        assert done["status"] in ("connection refused", "unreachable", "connection closed"), done
        assert done["ms"] < 5000, done


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_a_peer_that_comes_back_under_its_name(cluster, nodes, way):
    """With a metadata server a name outlives its process, and addresses do not."""
    master = cluster.master(metadata=True)
    env = {"MC_TCP_BIND_ADDRESS": "127.0.0.1"}
    target = nodes(metadata=master.metadata, name="target", env=env)
    initiator = nodes(metadata=master.metadata, name="initiator", env=env, **WAYS[way])
    remote, local = target.memory(MIB), initiator.memory(MIB)
    peer = initiator.open("target")
    target.fill(remote, MIB, 7)
    initiator.moves(peer, "read", [remote, local, MIB])
    target.kill()
    # shared memory outlives its process until the socket's end is seen, a second at most
    processes.wait_until(
        lambda: initiator.transfer(peer, "read", [[remote, local, 1]], 3000)["status"] != "ok", 2,
        "that the dead one is not read any more", interval=0.05)
    again = nodes(metadata=master.metadata, name="target", env=env)
    anew = again.memory(2 * MIB)
    again.fill(anew, 2 * MIB, 8)

    def works():
        return initiator.transfer(peer, "read", [[anew, local, MIB]], 2000)["status"] == "ok"
    processes.wait_until(works, 10, "that the new process is reached", interval=0.1)
    assert initiator.wrong(local, MIB, 8) is None


def test_notify_and_probe(nodes):
    a, b = nodes(), nodes()
    peer = a.open(b.segment)
    assert a.do("probe", segment=peer, timeout_ms=2000) == "ok"
    assert a.do("notify", segment=peer, name="n\u00e9", text="m\"\n", timeout_ms=2000) == "ok"
    assert b.do("notes") == [["n\u00e9", "m\"\n"]]
    b.kill()
    assert a.do("probe", segment=peer, timeout_ms=2000) == "connection refused"


@pytest.mark.parametrize("way", ["shm", "tcp"])
def test_four_processes_at_random(nodes, way):
    run, area = 2 * MIB, 4 * MIB
    made = [nodes(**WAYS[way]) for _ in range(4)]
    memory = [node.memory(4 * area) for node in made]
    local = [node.memory(2 * run) for node in made]
    for i, node in enumerate(made):
        areas = [[node.open(other.segment), memory[k] + i * area, area]
                 for k, other in enumerate(made) if k != i]
        node.begin("storm", areas=areas, local=local[i], run=run, seconds=SOAK_SECONDS,
                   seed=random.randrange(1 << 60))
    for node in made:
        rounds = node.end(SOAK_SECONDS + 60)
        assert isinstance(rounds, int) and rounds > 10, rounds
    for node in made:
        assert node.do("counters")["failures"] == 0
