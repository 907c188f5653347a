# SPDX-License-Identifier: Apache-2.0
"""Stores that fork, end, are closed in the middle, cannot open; masters and nodes that go away."""

import contextlib
import os
import signal
import socket
import time

import pytest

from support import processes
from support.ports import free_port
from support.processes import wait_until
from support.wheel import MIB

SIZE = 5003
TTL = 2             # s: --client_ttl
OPEN_MS = 5000      # for all that opening does, failures too
FAST_MS = 1000      # in which a call to a master that is gone fails
KEYS = [f"key/{i}" for i in range(12)]
BIG = 4 * MIB


def descriptors(node):
    return len(os.listdir(f"/proc/{node.pid}/fd"))


def threads(node):
    return len(os.listdir(f"/proc/{node.pid}/task"))


@contextlib.contextmanager
def stopped(pid):
    processes.stall(pid)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def pair(cluster, stores, flags=(), **more):
    master = cluster.master(flags=[f"-client_ttl={TTL}", *flags])
    return master, *(stores(name).setup(master, **more) for name in ("left", "right"))


# ---- how it runs ----

@pytest.mark.parametrize("how", [{}, {"lcores": "0"}, {"poll_inline": True}, {"drivers": "tcp"},
                                 {"drivers": "tcp", "poll_inline": True}, {"checksum": True},
                                 {"checksum_upstream": True}], ids=str)
def test_ways_to_run(cluster, stores, how):
    """Each shape of put and get, between a store that runs so and one that runs by itself."""
    master = cluster.master()
    node, other = stores().setup(master, **how), stores().setup(master)
    polls = how.get("poll_inline", False)
    for writer, reader in ((node, other), (other, node)):
        for way in writer.puts:
            keys = [f"{writer.name}/{way}/{i}" for i in range(4)]
            writer.stores(keys, SIZE, how=way, polls=polls and writer is node, on=reader.home)
            for back in reader.gets:
                for each in (reader, writer):
                    verdicts = each.verdicts(keys, SIZE, how=back, polls=polls and each is node)
                    assert verdicts == ["ok"] * 4, f"{way} {back} {verdicts}"
    assert node.do("health") == "ok"
    counters = node.counters()
    assert counters["outstanding"] == 0 and counters["buffer_used"] == 0, counters


def test_options(cluster, stores):
    """As upstream's setup(dict) has them."""
    master, node = cluster.master(), stores()
    options = {"local_hostname": "127.0.0.1", "metadata_server": "P2PHANDSHAKE",
               "global_segment_size": "32 MiB", "local_buffer_size": "16777216",
               "protocol": "tcp", "master_server_addr": master.address, "rdma_devices": ""}
    opened = node.do("open_options", options={**options, "global_segment_sise": "1GB"})
    assert opened["status"] == "ok", opened
    assert "global_segment_sise" in processes.tail(node.log)
    node.stores(KEYS, SIZE)
    assert node.counters()["segment_bytes"] == 32 * MIB
    for bad, value in {"global_segment_size": "30 parsecs", "put_deadline_ms": "soon"}.items():
        refused = node.do("open_options", store=1, options={**options, bad: value})
        assert refused["status"] == "invalid argument"
        assert bad in refused["text"] and value in refused["text"], refused


# ---- forks and ends ----

def test_fork(cluster, stores):
    """The child is refused everything, and its end does not take the parent's segment along."""
    master, left, right = pair(cluster, stores)
    left.stores(KEYS, SIZE, on=left.home)
    forked = left.do("fork", master=master.address)
    assert forked["ended"] == 0, forked
    # but it may have a store of its own
    assert [forked["answers"].pop(f"own {what}") for what in ("open", "put")] == ["ok"] * 2
    assert len(forked["answers"]) == 11, forked
    assert set(forked["answers"].values()) == {"not permitted"}, forked
    assert len(master.segments()) == 2
    for node in (left, right):
        assert node.verdicts(KEYS, SIZE) == ["ok"] * len(KEYS)
    assert left.exist(["child"]) == [True]
    left.stores(["after"], SIZE)
    assert right.verdicts(["after"], SIZE) == ["ok"]


def test_exit_without_close(cluster, stores):
    master, left, right = pair(cluster, stores)
    left.stores(KEYS, SIZE, on=left.home)
    left.expected = 7
    begin = time.monotonic()
    left.begin("exit")
    assert left.process.wait(10) == 7, processes.tail(left.log)
    assert time.monotonic() - begin < 2
    wait_until(lambda: len(master.segments()) == 1, TTL + 4, "its segment is gone")
    assert right.verdicts(KEYS, SIZE) == ["miss"] * len(KEYS)
    right.stores(["after"], SIZE)


def test_close_while_calls_wait(cluster, stores):
    """Their peer stands still: they end as cancelled, or at their deadline, and with them close."""
    master = cluster.master()
    holder = stores("holder").setup(master)
    reader = stores("reader").setup(master, drivers="tcp", get_deadline_ms=3000)
    keys = [f"big/{i}" for i in range(4)]
    holder.stores(keys, BIG, on=holder.home)
    assert reader.verdicts(keys, BIG, how="into") == ["ok"] * 4
    holder.stall()
    reader.do("hammer", keys=keys, size=BIG, threads=4, times=1)
    wait_until(lambda: reader.counters()["outstanding"] >= 4, 5, "four gets are under way")
    begin = time.monotonic()
    reader.do("close", timeout=20)
    took = time.monotonic() - begin
    holder.go_on()
    verdicts = reader.do("hammered", wait=True)["verdicts"]
    assert took < 6, took
    assert sum(verdicts.values()) == 4, verdicts
    assert not [v for v in verdicts if v.startswith("wrong")], verdicts
    reader.setup(master)
    assert reader.verdicts(keys, BIG) == ["ok"] * 4


@pytest.mark.parametrize("abrupt", [False, True], ids=["graceful", "abrupt"])
@pytest.mark.parametrize("drivers", ["shm,tcp", "tcp"])
def test_close_while_read(cluster, stores, drivers, abrupt):
    """A node closes while others read what it has: no wrong byte, and it is gone soon."""
    master = cluster.master(flags=[f"-client_ttl={TTL}"])
    holder = stores("holder").setup(master)
    reader = stores("reader").setup(master, drivers=drivers, get_deadline_ms=2000)
    keys = [f"big/{i}" for i in range(6)]
    holder.stores(keys, BIG, on=holder.home)
    assert reader.verdicts(keys, BIG, how="into") == ["ok"] * 6
    reader.do("hammer", keys=keys, size=BIG, threads=2)
    time.sleep(0.2)
    begin = time.monotonic()
    holder.do("close", abrupt=abrupt, timeout=20)
    assert time.monotonic() - begin < 5
    wait_until(lambda: len(master.segments()) == 1, 1 if not abrupt else TTL + 4,
               "its segment is gone")
    wait_until(lambda: reader.verdicts(keys, BIG) == ["miss"] * 6, 3, "its objects are")
    hammered = reader.do("hammered")
    assert hammered["verdicts"]["ok"] > 0, hammered
    assert not [v for v in hammered["verdicts"] if v.startswith("wrong")], hammered
    assert hammered["longest_ms"] < 2500, hammered


def test_open_close_again(cluster, stores):
    """Nothing of one life is left in the next: objects, segments, threads, descriptors."""
    master = cluster.master(flags=[f"-client_ttl={TTL}"])
    node, other = stores("node"), stores("other").setup(master)
    counts = []
    for life in range(6):
        node.setup(master)
        assert node.verdicts(KEYS, SIZE) == ["miss"] * len(KEYS)
        node.stores(KEYS, SIZE, on=node.home)
        assert other.verdicts(KEYS, SIZE) == ["ok"] * len(KEYS)
        node.do("close", abrupt=life == 3)
        if life == 3:
            wait_until(lambda: other.verdicts(KEYS, SIZE) == ["miss"] * len(KEYS), TTL + 4,
                       "an abrupt end is noticed")
        counts.append((descriptors(node), threads(node)))
    assert counts[-1] <= counts[1], counts
    assert len(master.segments()) == 1


def test_many_in_one_process(cluster, stores):
    master, count = cluster.master(), 12
    node = stores()
    for i in range(count):
        node.setup(master, store=i, segment=4 * MIB)
        node.stores([f"of/{i}"], SIZE, store=i)
    keys = [f"of/{i}" for i in range(count)]
    for i in range(count):
        assert node.verdicts(keys, SIZE, store=i) == ["ok"] * count
    assert len(master.segments()) == count
    for i in range(0, count, 2):
        node.do("close", store=i)
    assert len(master.segments()) == count // 2
    for i in range(1, count, 2):
        assert set(node.verdicts(keys, SIZE, store=i)) <= {"ok", "miss"}
        node.stores([f"again/{i}"], SIZE, store=i)
    again = [f"again/{i}" for i in range(1, count, 2)]
    for i in range(1, count, 2):
        assert node.verdicts(again, SIZE, store=i) == ["ok"] * len(again)


# ---- what cannot be opened ----

def refused(node, master, names, /, **wrong):
    """@names: what the error lines must name. Nothing stays behind."""
    node.setup(master, store=1)
    node.do("close", store=1)
    before = descriptors(node), threads(node)
    at = node.log.stat().st_size
    opened = node.open(master, **wrong)
    assert opened["status"] != "ok", opened
    assert node.ms < OPEN_MS + 300, f"{node.ms} ms: {opened}"
    log = node.log.read_bytes()[at:].decode()
    errors = [line for line in log.splitlines() if line.startswith("E")]
    assert len(errors) >= 1, f"{opened}: no error line\n{log}"
    for name in names:
        assert name in "\n".join(errors), f"{opened}: {name} is not named in\n{log}"
    wait_until(lambda: descriptors(node) <= before[0] and threads(node) <= before[1], 3,
               "what opening made is gone")
    assert len(master.segments()) == 0
    node.setup(master, store=1)
    node.stores(KEYS, SIZE, store=1)
    return opened["status"]


@pytest.fixture
def deaf():
    """A server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        yield f"127.0.0.1:{server.getsockname()[1]}"


WRONG = {
    "no master": {"master": "127.0.0.1:1"},
    "master has no port": {"master": "127.0.0.1:port"},
    "no such host of a master": {"master": "no-such-host.invalid:50051"},
    "etcd": {"master": "etcd://127.0.0.1:2379"},
    "no metadata server": {"metadata": "http://127.0.0.1:1/metadata"},
    "no such metadata": {"metadata": "etcd://127.0.0.1:2379"},
    "not our host": {"hostname": "203.0.113.7", "bind_host": "203.0.113.7"},
    "no host": {"hostname": ""},
    "size": {"segment_size": 1 << 60},
    "buffer": {"buffer_size": 1 << 60},
    "protocol": {"protocol": "carrier-pigeon"},
    "drivers": {"drivers": "shn"},
}
NAMED = {"size": ["segment"], "buffer": ["buffer"], "no host": ["hostname"]}


@pytest.mark.parametrize("case", WRONG)
def test_refused(cluster, stores, case):
    values = [str(value) for name, value in WRONG[case].items() if name != "bind_host"]
    refused(stores(), cluster.master(), NAMED.get(case, values), **WRONG[case])


def test_refused_by_hung_master(cluster, stores, deaf):
    master, node = cluster.master(), stores()
    refused(node, master, [deaf], master=deaf)


def test_refused_by_hung_metadata(cluster, stores, deaf):
    master, node = cluster.master(), stores()
    refused(node, master, [deaf], metadata=f"http://{deaf}/metadata")


def test_refused_by_another_protocol(cluster, stores):
    """The port of the metrics in place of the master's."""
    master, node = cluster.master(), stores()
    other = f"127.0.0.1:{master.metrics_port}"
    refused(node, master, [other], master=other)


def test_refused_name_taken(cluster, stores):
    master = cluster.master(metadata=True)
    name = f"127.0.0.1:{free_port()}"
    first, second = stores().setup(master, hostname=name), stores()
    first.stores(KEYS, SIZE)
    opened = second.open(master, hostname=name)
    assert opened["status"] != "ok", opened
    assert second.ms < OPEN_MS + 300
    assert name in processes.tail(second.log)
    assert first.verdicts(KEYS, SIZE) == ["ok"] * len(KEYS)
    assert len(master.segments()) == 1


# ---- masters that go away ----

def test_master_killed_and_back(cluster, stores):
    master, left, right = pair(cluster, stores)
    left.stores(KEYS, SIZE)
    master.kill()
    for node in (left, right):
        for call in (lambda: node.put(["late"], SIZE), lambda: node.verdicts(KEYS[:1], SIZE),
                     lambda: node.do("exist", keys=KEYS[:1]),
                     lambda: node.do("remove", keys=KEYS[:1])):
            answer, = call()
            assert answer not in ("ok", "miss"), answer
            assert node.ms < FAST_MS, f"{node.ms} ms: {answer}"
        assert node.do("health") != "ok"
        assert node.ms < FAST_MS
    master.start()
    for node in (left, right):
        wait_until(lambda: node.put([f"back/{node.name}"], SIZE) == ["ok"], 5,
                   "puts work again", interval=0.05)
    wait_until(lambda: len(master.segments()) == 2, 5, "both segments are back")
    for node in (left, right):
        assert node.verdicts(KEYS, SIZE) == ["miss"] * len(KEYS)
        node.stores([f"new/{node.name}"], SIZE)
        assert node.do("health") == "ok"
        assert node.counters()["remounts"] == 1, node.counters()
        assert node.counters()["segments"] == 1
    for node in (left, right):
        keys = ["new/left", "new/right"]
        assert node.verdicts(keys, SIZE) == ["ok"] * 2


def test_master_stands_still(cluster, stores):
    """For shorter than it would forget clients: then all is as it was."""
    master = cluster.master(flags=["-client_ttl=10"])
    left, right = (stores(name).setup(master) for name in ("left", "right"))
    left.stores(KEYS, SIZE)
    with stopped(master.pid):
        answer, = right.verdicts(KEYS[:1], SIZE)
        assert answer not in ("ok", "miss"), answer
        assert right.ms < OPEN_MS + 300, f"{right.ms} ms"
        answer, = right.do("exist", keys=KEYS[:1])
        assert answer not in ("ok", "miss"), answer
        assert right.ms < FAST_MS, f"{right.ms} ms"
        left.begin("put", keys=["while it stood"], size=SIZE)
        time.sleep(1)
    late, = left.end()
    wait_until(lambda: right.verdicts(KEYS, SIZE) == ["ok"] * len(KEYS), 5, "reads work again")
    # one that failed may block its key for a while (its answer was lost), but is not read
    wait_until(lambda: (right.verdicts(["while it stood"], SIZE) == ["ok"]) == (late == "ok"), 3,
               f"the put that ended as {late} is one")
    left.stores(["later"], SIZE)
    assert right.verdicts(["later"], SIZE) == ["ok"]
    assert left.counters()["remounts"] == 0, left.counters()


def test_dead_replica(cluster, stores):
    """While the master still lists a dead node's replica, reads take the other one."""
    master = cluster.master(flags=["-client_ttl=30"])
    victim, keeper, reader = (stores(name) for name in ("victim", "keeper", "reader"))
    for node in (victim, keeper):
        node.setup(master)
    reader.setup(master, segment=0)
    keys = [f"twice/{i}" for i in range(20)]
    keeper.stores(keys, SIZE, replicas=2)
    assert all(len(set(reader.endpoints(key))) == 2 for key in keys)
    assert reader.verdicts(keys, SIZE) == ["ok"] * len(keys)
    victim.kill()
    for how in reader.gets:
        assert reader.verdicts(keys, SIZE, how=how) == ["ok"] * len(keys), how
    fresh = stores("fresh").setup(master, segment=0)
    assert fresh.verdicts(keys, SIZE) == ["ok"] * len(keys)


# ---- tasks, segments ----

def ended(node, task):
    status = []

    def look():
        status[:] = node.do("task_query", task=task)
        return status[1] in (2, 3)

    wait_until(look, 10, "the task is over")
    return status


def test_tasks_and_segments(cluster, stores):
    master, left, right = pair(cluster, stores)
    left.stores(KEYS[:2], SIZE, on=left.home)
    copy = left.do("task", key=KEYS[0], target=right.home)
    assert copy["status"] == "ok", copy
    assert ended(left, copy["task"])[1] == 3
    assert set(right.endpoints(KEYS[0])) == {left.home, right.home}
    move = left.do("task", key=KEYS[1], source=left.home, target=right.home)
    assert move["status"] == "ok", move
    assert ended(left, move["task"])[1] == 3
    assert right.endpoints(KEYS[1]) == [right.home]
    for node in (left, right):
        assert node.verdicts(KEYS[:2], SIZE) == ["ok"] * 2
    more = left.do("mount", length=32 * MIB)
    assert left.counters()["segments"] == 2
    assert left.do("unmount", segment=more, grace_ms=0) == "ok"
    assert left.counters()["segments"] == 1
    assert left.verdicts(KEYS[:2], SIZE) == ["ok"] * 2
