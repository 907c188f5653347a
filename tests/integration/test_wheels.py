# SPDX-License-Identifier: Apache-2.0
"""Unmodified clients of upstream's releases share objects through the master."""

import os

import pytest

from support.master import UPSTREAM
from support.wheel import MIB, OLDEST, RELEASES

PUTS = ("put", "put_parts", "put_batch", "put_from", "batch_put_from",
        "batch_put_from_multi_buffers")
GETS = ("get", "get_batch", "get_buffer", "batch_get_buffer", "get_into", "batch_get_into")
SIZE = 10_007
PER_WAY = 100
# The command line of doc and README, where this machine has the two CPUs for it.
TWO_LCORES = not UPSTREAM and {0, 1} <= os.sched_getaffinity(0)


def ok(results):
    return [r for r in results if r != "ok"] == []


def put_all(client, prefix, salt=""):
    """PER_WAY objects, spread over all ways of writing."""
    written = []
    for number, how in enumerate(PUTS):
        count = PER_WAY // len(PUTS) + (number < PER_WAY % len(PUTS))
        keys = [f"{prefix}/{how}/{i}" for i in range(count)]
        codes = client.do("put", keys=keys, size=SIZE, salt=salt, how=how)
        assert set(codes) == {0}, f"{client.name} {how}: {codes}"
        written += keys
    assert len(written) == PER_WAY
    return written


def share(cluster, release, metadata):
    flags = ["-l", "0,1", "-max_threads", "64"] if metadata and TWO_LCORES else []
    master = cluster.master(release, metadata=metadata, flags=flags)
    pair = [cluster.client(release, name).setup(master) for name in ("left", "right")]
    keys = [put_all(client, client.name) for client in pair]
    return master, pair, keys


def check_shared(pair, keys):
    """Each reads what the other wrote, and its own, by every way of reading."""
    for client in pair:
        for how in GETS:
            for theirs in keys:
                verdicts = client.do("get", keys=theirs, size=SIZE, how=how)
                assert ok(verdicts), f"{client.name} {how}: {verdicts}"


def check_lookups(client, keys):
    assert client.call("batch_is_exist", keys + ["nobody"]) == [1] * len(keys) + [0]
    assert client.call("is_exist", keys[0]) == 1
    assert client.call("is_exist", "nobody") == 0
    assert client.call("get_size", keys[0]) == SIZE
    assert client.call("get_size", "nobody") == -704
    assert client.do("get", keys=["nobody"], size=SIZE) == ["miss"]


def check_rewrite(client, other, keys):
    """An object that exists stays as it is, and the writer is told 0."""
    assert client.do("put", keys=keys[:3], size=SIZE, salt="new") == [0, 0, 0]
    assert ok(other.do("get", keys=keys[:3], size=SIZE))
    if client.do("has", method="upsert"):
        assert client.do("put", keys=keys[:3], size=SIZE, salt="new", how="upsert") == [0, 0, 0]
        assert ok(other.do("get", keys=keys[:3], size=SIZE, salt="new"))


def check_removal(left, right, keys):
    """The lease of a read object protects it until somebody insists."""
    mine, theirs = keys
    forced = left.release != OLDEST
    if forced:
        assert left.call("remove", theirs[0]) == -706
        assert left.call("remove", theirs[0], True) == 0
        assert left.call("remove", theirs[0], True) == -704
        assert right.do("get", keys=theirs[:2], size=SIZE) == ["miss", "ok"]
        batches = [k for k in mine if "/put_batch/" in k]
        assert left.call("remove_by_regex", "^left/put_batch/", True) == len(batches)
        assert set(right.do("get", keys=batches, size=SIZE)) == {"miss"}
    if left.do("has", method="batch_remove"):
        assert right.call("batch_remove", [mine[0], "nobody"], True) == [0, -704]
    assert left.call("remove", "nobody") == -704
    fresh = [f"fresh/{i}" for i in range(5)]
    assert set(left.do("put", keys=fresh, size=100)) == {0}
    assert right.call("remove", fresh[0]) == 0
    assert right.call("remove_by_regex", "^fresh/[12]$") == 2
    assert left.call("batch_is_exist", fresh) == [0, 0, 0, 1, 1]
    if forced:
        assert left.call("remove_all", True) > PER_WAY
        assert set(right.call("batch_is_exist", mine + theirs)) == {0}


@pytest.mark.parametrize("release, metadata", [
    *((release, metadata) for release in RELEASES for metadata in (False, True)),
    (OLDEST, False),
], ids=lambda value: {False: "p2p", True: "http"}.get(value, value))
def test_two_processes_share(cluster, release, metadata):
    master, (left, right), keys = share(cluster, release, metadata)
    check_shared((left, right), keys)
    check_lookups(left, keys[1])
    check_rewrite(left, right, keys[0])
    check_removal(left, right, keys)
    assert left.do("unregister") == 0
    assert left.call("close") == 0
    assert len(master.segments()) == 1


def test_large_objects_and_reader_without_segment(cluster):
    """An object above the 16 MiB at which clients cut their transfers, and a client that only
    reads."""
    master = cluster.master()
    writer = cluster.client(name="writer").setup(master, segment=256 * MIB, buffer=64 * MIB)
    reader = cluster.client(name="reader").setup(master, segment=0, buffer=64 * MIB)
    size = 40 * MIB
    keys = ["large/0", "large/1"]
    assert writer.do("put", keys=keys, size=size) == [0, 0]
    assert ok(reader.do("get", keys=keys, size=size))
    assert ok(writer.do("get", keys=keys, size=size))
