# SPDX-License-Identifier: Apache-2.0
"""One pool of two clients of upstream's and two of ours, under each master: everyone reads what
everyone wrote, and one that dies takes nobody along."""

import time

import pytest

from support.processes import wait_until
from support.wheel import MIB

SIZE, PER_WAY = 10_007, 4
LARGE = 20 * MIB + 3
TTL = 2             # s without a ping, after which the master takes a client for dead
DEADLINE_MS = 3000  # of our gets


class Pool:
    def __init__(self, cluster, stores, upstream, metadata):
        self.master = cluster.master(upstream=upstream, metadata=metadata,
                                     flags=[f"-client_ttl={TTL}"])
        wheels = [cluster.member(f"wheel{i}") for i in range(2)]
        ours = [stores(f"ours{i}") for i in range(2)]
        for wheel in wheels:
            wheel.setup(self.master, buffer=32 * MIB)
        for node in ours:
            node.setup(self.master, get_deadline_ms=DEADLINE_MS)
        self.wheels, self.ours = wheels, ours
        self.members = [wheels[0], ours[0], wheels[1], ours[1]]

    def others(self, member):
        return [other for other in self.members if other is not member]

    def read_everywhere(self, keys, size=SIZE, hows=True, members=None, **more):
        for reader in members or self.members:
            for how in reader.gets if hows else reader.gets[:1]:
                verdicts = reader.verdicts(keys, size, how=how, **more)
                assert set(verdicts) == {"ok"}, f"{reader.name} {how}: {dict(zip(keys, verdicts))}"


@pytest.fixture(params=["mc-master p2p", "mc-master http", "mooncake_master p2p",
                        "mooncake_master http"])
def pool(request, cluster, stores):
    program, metadata = request.param.split()
    return Pool(cluster, stores, program == "mooncake_master", metadata == "http")


def test_everyone_reads_everyones(pool):
    keys = []
    for writer in pool.members:
        for how in writer.puts:
            ways = [f"{writer.name}/{how}/{i}" for i in range(PER_WAY)]
            writer.stores(ways, SIZE, how=how)
            keys += ways
    pool.read_everywhere(keys)
    for member in pool.members:
        assert member.exist([*keys, "nobody"]) == [True] * len(keys) + [False], member.name
        assert member.lengths([keys[0], keys[-1], "nobody"]) == [SIZE, SIZE, "miss"], member.name
        assert member.verdicts(["nobody", keys[0]], SIZE) == ["miss", "ok"], member.name
    # all four have given memory, and all of it is used
    assert len(pool.master.segments()) == 4
    check_rewrite(pool, keys)
    check_removal(pool, keys)


def check_rewrite(pool, keys):
    """What is there stays as it is, until somebody upserts."""
    for member in pool.members:
        member.stores(keys[:2], SIZE, salt="other")
    pool.read_everywhere(keys[:2], hows=False)
    for number, member in enumerate(pool.members):
        # another length: another place
        member.stores([keys[number]], SIZE + 100, salt=member.name, how=member.upsert)
        pool.read_everywhere([keys[number]], SIZE + 100, salt=member.name, hows=False)
        # the same length: in place, where the master does so
        member.stores([keys[number]], SIZE + 100, salt="again", how=member.upsert)
        pool.read_everywhere([keys[number]], SIZE + 100, salt="again", hows=False)


def check_removal(pool, keys):
    for remover, key in zip(pool.members, keys[-4:]):
        assert remover.remove([key, "nobody"]) == ["ok", "miss"], remover.name
        for member in pool.members:
            assert member.verdicts([key], SIZE) == ["miss"], member.name
            assert member.exist([key]) == [False], member.name


def test_replicas_and_large(pool):
    for writer in pool.members:
        twice = [f"{writer.name}/twice/{i}" for i in range(4)]
        writer.stores(twice, SIZE, replicas=2)
        for key in twice:
            for member in pool.members:
                assert len(set(member.endpoints(key))) == 2, f"{writer.name} {member.name}"
        pool.read_everywhere(twice, hows=False)
    for writer, holder in zip(pool.members, reversed(pool.members)):
        key = f"{writer.name}/large"
        writer.stores([key], LARGE, on=holder.home)
        assert len(writer.endpoints(key)) == 1
        pool.read_everywhere([key], LARGE, hows=False)
        assert writer.remove([key]) == ["ok"]


@pytest.mark.parametrize("victim", ["wheel", "ours"])
@pytest.mark.parametrize("program", ["mc-master", "mooncake_master"])
def test_killed_while_read(cluster, stores, program, victim):
    pool = Pool(cluster, stores, program == "mooncake_master", False)
    victim = pool.wheels[1] if victim == "wheel" else pool.ours[1]
    others = pool.others(victim)
    reader = pool.ours[0]
    doomed = [f"doomed/{i}" for i in range(24)]
    twice = [f"twice/{i}" for i in range(8)]
    safe = [f"safe/{i}" for i in range(8)]
    size = MIB + 7
    victim.stores(doomed, size, on=victim.home)
    reader.stores(safe, SIZE, on=reader.home)
    reader.stores(twice, SIZE, replicas=2, on=victim.home)
    pool.read_everywhere(doomed, size, hows=False)
    # ours in a loop, the wheels once each: they wait for what does not come for a minute
    reader.do("hammer", keys=doomed, size=size, threads=2)
    others[0].begin_verdicts(doomed, size)
    time.sleep(0.2)
    victim.kill()
    wheel_verdicts = others[0].end(timeout=120)
    assert {v for v in wheel_verdicts if v.startswith("wrong")} == set()
    check_go_on(pool, others, safe, "at once")
    wait_until(lambda: victim.home not in pool.master.segments(), TTL + 5,
               "the dead client's segment is gone")
    time.sleep(0.3)
    hammered = reader.do("hammered")
    verdicts = hammered["verdicts"]
    assert verdicts["ok"] > 0 and sum(verdicts.values()) > verdicts["ok"], hammered
    assert not [v for v in verdicts if v.startswith("wrong")], hammered
    assert hammered["longest_ms"] < DEADLINE_MS + 500, hammered
    for other in others:
        assert set(other.verdicts(doomed, size)) == {"miss"}
        assert other.verdicts(safe, SIZE) == ["ok"] * len(safe), other.name
        assert other.verdicts(twice, SIZE) == ["ok"] * len(twice), other.name
    check_go_on(pool, others, safe, "later")


def check_go_on(pool, others, safe, when):
    """Those that live write where the living are, and read it."""
    for writer in others:
        fresh = [f"fresh/{when}/{writer.name}/{i}" for i in range(3)]
        writer.stores(fresh, SIZE, on=pool.ours[0].home)
        pool.read_everywhere(fresh, members=others, hows=False)
    pool.read_everywhere(safe, members=others, hows=False)
