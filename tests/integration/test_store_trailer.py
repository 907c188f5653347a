# SPDX-License-Identifier: Apache-2.0
"""Bytes that went bad in a node's memory: with a trailer they are misses that are counted, without
one (upstream's writers, upstream's master) they are served and counted as unchecked."""

import pytest

SIZE, TRAILER = 10_007, 32

# who may notice that a byte of the value is another: the writer's choice, not the reader's
CHECKSUM = {"checksum": True, "none": False}


@pytest.fixture
def three(cluster, stores):
    """A master, one that holds everything, and a reader without memory of its own."""
    def make(upstream=False):
        master = cluster.master(upstream=upstream)
        holder = stores("holder").setup(master, checksum=True)
        return master, holder, stores("reader").setup(master, segment=0)

    return make


def place(reader, key):
    """The address of its only replica, in the memory of the one that holds it."""
    replica, = reader.do("replicas", key=key)
    assert replica["length"] == SIZE
    return replica["address"]


def moved(reader, before):
    """What its counters did since."""
    now = reader.counters()
    return {name: now[name] - before[name] for name in now if now[name] != before[name]
            and name in ("misses", "checked", "unchecked", "mismatches", "checksum_failures",
                         "get_failures")}


@pytest.mark.ours
@pytest.mark.parametrize("kind", CHECKSUM)
@pytest.mark.parametrize("how", ["into", "get", "batch", "async"])
def test_a_flipped_byte_of_a_value(three, stores, how, kind):
    master, holder, reader = three()
    writer = stores("writer").setup(master, segment=0, checksum=CHECKSUM[kind])
    writer.stores(["k"], SIZE)
    address = place(reader, "k") + 5_000
    before = reader.counters()
    assert reader.verdicts(["k"], SIZE, how=how) == ["ok"]
    assert moved(reader, before) == {"checked": 1}
    holder.do("flip", addr=address)
    before = reader.counters()
    verdict, = reader.verdicts(["k"], SIZE, how=how)
    if CHECKSUM[kind]:
        assert verdict == "miss"
        assert moved(reader, before) == {"misses": 1, "mismatches": 1, "checksum_failures": 1}
    else:
        assert verdict.startswith("wrong: byte 5000 ")
        assert moved(reader, before) == {"checked": 1}
    holder.do("flip", addr=address)
    assert reader.verdicts(["k"], SIZE, how=how) == ["ok"]


@pytest.mark.ours
@pytest.mark.parametrize("kind", CHECKSUM)
def test_a_flipped_byte_of_a_trailer(three, stores, kind):
    """Each of them; the checksum of an object that has none is part of that."""
    master, holder, reader = three()
    writer = stores("writer").setup(master, segment=0, checksum=CHECKSUM[kind])
    writer.stores(["k"], SIZE)
    trailer = place(reader, "k") + SIZE
    for at in range(TRAILER):
        holder.do("flip", addr=trailer + at)
        before = reader.counters()
        assert reader.verdicts(["k"], SIZE) == ["miss"], at
        failed = {"checksum_failures": 1} if CHECKSUM[kind] and 4 <= at < 8 else {}
        assert moved(reader, before) == {"misses": 1, "mismatches": 1, **failed}, at
        holder.do("flip", addr=trailer + at)
    assert reader.verdicts(["k"], SIZE) == ["ok"]


@pytest.mark.ours
def test_one_bad_replica_of_two(cluster, stores):
    """The other one is read in its place."""
    master = cluster.master()
    holders = [stores(f"holder{i}").setup(master, checksum=True) for i in range(2)]
    reader = stores("reader").setup(master, segment=0)
    holders[0].stores(["k"], SIZE, replicas=2)
    for holder in holders:
        replica, = [one for one in reader.do("replicas", key="k")
                    if one["endpoint"] == holder.home]
        holder.do("flip", addr=replica["address"])
        assert reader.verdicts(["k"], SIZE) == ["ok"]
        holder.do("flip", addr=replica["address"])


def test_what_upstream_wrote_is_served(three, cluster):
    """Also what it wrote over an object of ours: the promise was that of the writer before."""
    master, holder, reader = three()
    wheel = cluster.member().setup(master, segment=0)
    holder.stores(["k"], SIZE)
    wheel.stores(["k"], SIZE, how="upsert", salt="theirs")
    before = reader.counters()
    assert reader.verdicts(["k"], SIZE, salt="theirs") == ["ok"]
    assert moved(reader, before) == {"unchecked": 1}
    holder.do("flip", addr=place(reader, "k"))
    verdict, = reader.verdicts(["k"], SIZE, salt="theirs")
    assert verdict.startswith("wrong: byte 0 ")
    assert moved(reader, before) == {"unchecked": 2}
    # and ours over theirs has one again
    holder.stores(["k"], SIZE, how="upsert_put", salt="ours")
    before = reader.counters()
    assert reader.verdicts(["k"], SIZE, salt="ours") == ["ok"]
    assert moved(reader, before) == {"checked": 1}
    assert wheel.verdicts(["k"], SIZE, salt="ours") == ["ok"]


def test_upstreams_master_knows_no_trailers(three):
    master, holder, reader = three(upstream=True)
    holder.stores(["k"], SIZE)
    before = reader.counters()
    assert reader.verdicts(["k"], SIZE) == ["ok"]
    holder.do("flip", addr=place(reader, "k"))
    assert reader.verdicts(["k"], SIZE)[0].startswith("wrong: byte 0 ")
    assert moved(reader, before) == {"unchecked": 2}


@pytest.mark.parametrize("writer", ["ours", "theirs"])
@pytest.mark.parametrize("upstream", [False, True], ids=["mc-master", "mooncake_master"])
def test_upstreams_checksum(three, cluster, stores, monkeypatch, upstream, writer):
    """With MOONCAKE_STORE_CHECKSUM=1 each side checks what the other has written."""
    master, holder, plain = three(upstream=upstream)
    monkeypatch.setenv("MOONCAKE_STORE_CHECKSUM", "1")
    members = {"ours": stores("checking").setup(master, segment=0),
               "theirs": cluster.member().setup(master, segment=0)}
    members[writer].stores(["k"], SIZE)
    for name, reader in members.items():
        assert reader.verdicts(["k"], SIZE) == ["ok"], name
    holder.do("flip", addr=place(plain, "k") + 7)
    assert plain.verdicts(["k"], SIZE)[0].startswith("wrong: byte 7 ")
    verdicts = {name: reader.verdicts(["k"], SIZE)[0] for name, reader in members.items()}
    # the wheel has one answer for all that fails; its log says CHECKSUM_MISMATCH
    assert verdicts == {"ours": "checksum mismatch", "theirs": "miss"}
