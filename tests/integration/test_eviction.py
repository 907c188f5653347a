# SPDX-License-Identifier: Apache-2.0
"""A full pool: what is refused, what is evicted, and that nothing is ever mixed up."""

import pytest

from support import web
from support.processes import wait_until
from support.wheel import MIB, RELEASES

SIZE = 100_003
PUTS = 400      # of each of two processes: more than twice the pool


@pytest.mark.parametrize("release", RELEASES)
def test_churn_far_above_capacity(cluster, release):
    """Two processes write many times what the pool holds and read back old and new."""
    master = cluster.master(release, flags=[
        "-eviction_high_watermark_ratio=0.7", "-eviction_ratio=0.1", "-default_kv_lease_ttl=50"])
    pair = [cluster.client(release, name).setup(master, segment=16 * MIB) for name in "ab"]
    for client in pair:
        client.begin("churn", prefix=client.name, count=150, size=SIZE, puts=PUTS)
    tallies = [client.end() for client in pair]
    for tally in tallies:
        assert tally["wrong"] == []
        assert tally["ok"] > 0 and tally["miss"] > 0, tally
        assert set(tally["codes"]) <= {"0", "-200"}, tally
        assert tally["put"] == PUTS, f"the pool stayed full: {tally}"
    samples = web.metrics(master.admin("/metrics"))
    assert samples["master_allocated_bytes"] <= 32 * MIB
    assert samples["master_evicted_key_count"] > 0


def test_full_pool_of_leased_objects(cluster):
    """Objects under a lease are never evicted: the pool is full, and says so."""
    # no watermark: above it, the one object that has no lease yet is what eviction takes
    master = cluster.master(flags=["-default_kv_lease_ttl=60000",
                                   "-eviction_high_watermark_ratio=1"])
    left, right = (cluster.client(name=name).setup(master, segment=16 * MIB) for name in "ab")
    stored = []
    for i in range(1000):
        key = f"full/{i}"
        (code,) = left.do("put", keys=[key], size=SIZE)
        if code:
            break
        stored.append(key)
        assert right.call("is_exist", key) == 1
    assert code == -200
    assert len(stored) * SIZE > 0.85 * 32 * MIB, "refused while there was room"
    assert right.do("get", keys=stored, size=SIZE) == ["ok"] * len(stored)
    # one is taken away by force, and one of its size fits again
    assert left.call("remove", stored[7], True) == 0
    # (The refusal asked for an eviction; the first object without a lease may still fall to it.)
    key = ["in its place"]
    wait_until(lambda: left.do("put", keys=key, size=SIZE) == [0] and
               right.do("get", keys=key, size=SIZE) == ["ok"], 5, "a put in the freed place")
    assert right.do("get", keys=stored[7:8], size=SIZE) == ["miss"]
    assert left.call("remove_all", True) == len(stored)
    assert left.do("put", keys=["empty again"], size=10 * MIB) == [0]


def test_object_larger_than_any_segment(cluster):
    master = cluster.master()
    client = cluster.client().setup(master, segment=16 * MIB, buffer=64 * MIB)
    assert client.do("put", keys=["too large"], size=17 * MIB) == [-200]
    assert client.do("get", keys=["too large"], size=17 * MIB) == ["miss"]
    assert client.do("put", keys=["fits"], size=15 * MIB) == [0]


def test_two_replicas_lie_on_two_segments(cluster):
    """A replica survives the death of the other's process."""
    master = cluster.master(flags=["-client_ttl=2"])
    left, right = (cluster.client(name=name).setup(master, segment=16 * MIB) for name in "ab")
    keys = [f"twice/{i}" for i in range(20)]
    assert set(left.do("put", keys=keys, size=SIZE // 10, config={"replica_num": 2})) == {0}
    samples = web.metrics(master.admin("/metrics"))
    per_segment = [value for name, value in samples.items()
                   if name.startswith("segment_allocated_bytes")]
    assert per_segment == [20 * (SIZE // 10)] * 2
    assert right.do("get", keys=keys, size=SIZE // 10) == ["ok"] * 20
    left.kill()
    wait_until(lambda: len(master.segments()) == 1, 5, "the dead client's segment is gone")
    assert right.do("get", keys=keys, size=SIZE // 10) == ["ok"] * 20
