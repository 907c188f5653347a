# SPDX-License-Identifier: Apache-2.0
"""Objects that are written anew, pinned or grouped, with unmodified clients of upstream's wheel."""

import itertools

import pytest

from support.processes import wait_until
from support.wheel import MIB, RELEASES

WAYS = ("upsert", "upsert_parts", "upsert_batch", "upsert_from", "batch_upsert_from")
WITH_UPSERTS = RELEASES[:4]
SIZE = 100_003
COUNT = 5
ROUNDS = itertools.count()


def put(client, keys, salt="", **options):
    options.setdefault("size", SIZE)

    def stored():
        """All, or the pool was full for the moment that eviction needs."""
        codes = set(client.do("put", keys=keys, salt=salt, **options))
        assert codes <= {0, -200}, (client.name, keys, codes)
        return codes == {0}

    wait_until(stored, 10, f"{client.name} has stored {keys}", interval=0.05)


def check(client, keys, salt="", size=SIZE):
    assert client.do("get", keys=keys, size=size, salt=salt) == ["ok"] * len(keys), client.name


def keys_of(name):
    return [f"{name}/{i}" for i in range(COUNT)]


@pytest.mark.parametrize("release", WITH_UPSERTS)
def test_every_way_of_upserting(cluster, release):
    """Of the same size, of another one, and of keys that are new; by the first writer and not."""
    master = cluster.master(release)
    left, right = (cluster.client(release, name).setup(master) for name in ("left", "right"))
    for how in WAYS:
        keys = keys_of(how)
        put(left, keys, "first")
        check(right, keys, "first")
        put(right, keys, "same size", how=how)
        check(left, keys, "same size")
        put(left, keys, "larger", how=how, size=SIZE + 1)
        check(right, keys, "larger", SIZE + 1)
        put(left, keys, "smaller", how=how, size=SIZE // 2)
        check(left, keys, "smaller", SIZE // 2)
        new = keys_of(how + "/new")
        put(right, new, "new", how=how)
        check(left, new, "new")
    assert left.call("get_size", "upsert/0") == SIZE // 2
    assert right.call("remove", "upsert/0", True) == 0
    assert left.do("get", keys=["upsert/0"], size=SIZE) == ["miss"]


@pytest.mark.parametrize("size", [SIZE, SIZE + 1], ids=["same size", "another size"])
def test_upserts_under_a_lease(cluster, size):
    """Those who read the old bytes are no obstacle."""
    master = cluster.master()
    left, right = (cluster.client(name=name).setup(master) for name in ("left", "right"))
    keys = keys_of("leased")
    put(left, keys, "old")
    check(right, keys, "old")
    put(right, keys, "new", how="upsert", size=size)
    # in the same space they may still be at it
    assert left.call("remove", keys[0]) == (-706 if size == SIZE else 0)
    check(left, keys[1:], "new", size)


def pool(cluster, *flags):
    """One client and little space, of which most is given to what came last."""
    master = cluster.master(flags=["-eviction_high_watermark_ratio=0.7", "-eviction_ratio=0.1",
                                   "-default_kv_lease_ttl=100", *flags])
    return cluster.client().setup(master, segment=16 * MIB)


def churn(client):
    """Twice what the pool holds."""
    tally = client.do("churn", prefix=f"churn{next(ROUNDS)}", count=150, size=SIZE, puts=320)
    assert tally["wrong"] == []


def test_hard_pins(cluster):
    """They outlast any pressure, and upserts as well."""
    client = pool(cluster)
    keys = keys_of("hard")
    put(client, keys, config={"with_hard_pin": True})
    plain = keys_of("plain")
    put(client, plain)
    churn(client)
    check(client, keys)
    assert client.do("get", keys=plain, size=SIZE) == ["miss"] * COUNT
    put(client, keys, "same size", how="upsert")
    put(client, keys[:2], "larger", how="upsert", size=SIZE + 1)
    churn(client)
    check(client, keys[2:], "same size")
    check(client, keys[:2], "larger", SIZE + 1)
    assert client.call("remove_all", True) > COUNT
    assert client.call("batch_is_exist", keys) == [0] * COUNT


@pytest.mark.parametrize("size", [SIZE, SIZE + 1], ids=["same size", "another size"])
def test_soft_pins(cluster, size):
    """Kept by an upsert that says nothing of pins, ended by one that disables them, or by time."""
    client = pool(cluster, "-allow_evict_soft_pinned_objects=false")
    keys, brief = keys_of("soft"), keys_of("brief")
    put(client, keys, config={"soft_pin_action": "ENABLE"})
    put(client, brief, config={"soft_pin_action": "ENABLE", "soft_pin_ttl_ms": 1000})
    put(client, keys, "kept", how="upsert", size=size)
    churn(client)
    check(client, keys, "kept", size)
    wait_until(lambda: churn(client) or set(client.do("get", keys=brief, size=SIZE)) == {"miss"},
               10, "the end of the brief pins")
    check(client, keys, "kept", size)
    put(client, keys, "not", how="upsert", size=SIZE + 2 - (size - SIZE),
        config={"soft_pin_action": "DISABLE"})
    churn(client)
    assert client.call("batch_is_exist", keys) == [0] * COUNT


def test_groups(cluster):
    """A read of one member keeps all of them, and what is not read goes."""
    client = pool(cluster, "-default_kv_lease_ttl=60000")
    groups = {name: keys_of(name) for name in ("read", "unread")}
    for name, keys in groups.items():
        for key in keys:
            put(client, [key], config={"group_ids": [name]})
    check(client, groups["read"][:1])
    for i in range(400):
        client.do("put", keys=[f"more/{i}"], size=SIZE)
    assert client.call("batch_is_exist", groups["unread"]) == [0] * COUNT
    assert client.call("batch_is_exist", groups["read"]) == [1] * COUNT
    # an object stays in its group
    assert client.do("put", keys=groups["read"][:1], size=SIZE, how="upsert",
                     config={"group_ids": ["other"]}) == [-600]
    check(client, groups["read"])
