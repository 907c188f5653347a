# SPDX-License-Identifier: Apache-2.0
"""Masters and clients that die, and come back."""

import time

import pytest

from support import web
from support.master import NEWEST
from support.ports import free_port
from support.processes import wait_until
from support.wheel import MIB, RELEASES

SIZE = 5000
CLIENT_TTL = 2


def keys_of(client, count=10):
    return [f"{client.name}/{i}" for i in range(count)]


def put_all(pair, salt=""):
    for client in pair:
        assert set(client.do("put", keys=keys_of(client), size=SIZE, salt=salt)) == {0}


def read_all(pair, salt=""):
    """Every verdict of every reader about every writer's objects."""
    return {verdict for reader in pair for writer in pair
            for verdict in reader.do("get", keys=keys_of(writer), size=SIZE, salt=salt)}


def pair_on(cluster, master, release):
    return [cluster.client(release, name).setup(master, segment=16 * MIB) for name in "ab"]


@pytest.mark.parametrize("release, metadata", [
    *((release, False) for release in RELEASES), (NEWEST, True),
], ids=lambda value: {False: "p2p", True: "http"}.get(value, value))
def test_master_killed_and_restarted(cluster, release, metadata):
    master = cluster.master(release, metadata=metadata)
    pair = pair_on(cluster, master, release)
    put_all(pair)
    assert read_all(pair) == {"ok"}
    master.kill()
    master.start()
    for client in pair:
        client.begin("put_until", key=f"again/{client.name}", size=SIZE)
    tries = [client.end() for client in pair]
    for each in tries:
        assert each[-1][0] == 0, f"never put again: {each}"
        assert each[-1][1] < 5, f"put again after {each[-1][1]:.1f} s only"
    assert read_all(pair) == {"miss"}, "the old objects went with the master"
    wait_until(lambda: len(master.segments()) == 2, 5, "both segments are back")
    put_all(pair, salt="second life")
    assert read_all(pair, salt="second life") == {"ok"}


def test_master_down_for_long(cluster):
    """The clients give the connection up, and look for the master until it is there again."""
    master = cluster.master()
    pair = pair_on(cluster, master, NEWEST)
    put_all(pair)
    master.kill()
    for client in pair:
        # its own attempts to connect take the client some seconds each
        client.begin("put", keys=["nobody listens/" + client.name], size=SIZE)
    assert [client.end() for client in pair] == [[-900], [-900]]
    master.start()
    for client in pair:
        client.begin("put_until", key=f"again/{client.name}", size=SIZE)
    for client in pair:
        tries = client.end()
        assert tries[-1][0] == 0 and tries[-1][1] < 5, tries
    put_all(pair, salt="second life")
    assert read_all(pair, salt="second life") == {"ok"}


@pytest.mark.parametrize("metadata", [False, True], ids=["p2p", "http"])
def test_client_killed(cluster, metadata):
    """Its segment goes after client_ttl, with its objects; the others go on."""
    master = cluster.master(metadata=metadata, flags=[f"-client_ttl={CLIENT_TTL}"])
    survivor, victim = (cluster.client(name=name).setup(master, segment=16 * MIB)
                        for name in ("survivor", "victim"))
    home = victim.call("get_hostname")
    keys = keys_of(victim)
    codes = victim.do("put", keys=keys, size=SIZE, config={"preferred_segment": home})
    assert set(codes) == {0}
    assert survivor.do("get", keys=keys, size=SIZE) == ["ok"] * len(keys)
    assert len(master.segments()) == 2
    killed = time.monotonic()
    victim.kill()
    wait_until(lambda: len(master.segments()) == 1, CLIENT_TTL + 3,
               "the dead client's segment is gone")
    assert time.monotonic() - killed > CLIENT_TTL - 1.5, "a client may miss a ping"
    assert home not in master.segments()
    assert survivor.do("get", keys=keys, size=SIZE) == ["miss"] * len(keys)
    assert survivor.call("batch_is_exist", keys) == [0] * len(keys)
    assert set(survivor.do("put", keys=keys, size=SIZE, salt="anew")) == {0}
    assert survivor.do("get", keys=keys, size=SIZE, salt="anew") == ["ok"] * len(keys)


@pytest.mark.ours
def test_metadata_of_a_dead_client_is_cleaned(cluster):
    """In both spellings of the key."""
    master = cluster.master(metadata=True, flags=[
        f"-client_ttl={CLIENT_TTL}", "--enable_metadata_cleanup_on_timeout=true"])
    client = cluster.client().setup(master, segment=16 * MIB)
    name = client.call("get_hostname")
    entries = [f"{master.metadata}?key=mooncake/{kind}/{name}" for kind in ("ram", "rpc_meta")]
    entries += [entry.replace("mooncake/", "mooncake%2F") for entry in entries]
    assert [web.request(entry)[0] for entry in entries] == [200] * 4
    client.kill()
    wait_until(lambda: not master.segments(), CLIENT_TTL + 3, "the dead client's segment is gone")
    assert [web.request(entry)[0] for entry in entries] == [404] * 4


@pytest.mark.ours
def test_same_name_back_ten_times(cluster):
    """Killed and started again under the same host:port, ten times: never refused, and nobody ever
    gets another life's bytes. A reader that knew an earlier life misses: it keeps what it once was
    told of the name."""
    master = cluster.master(metadata=True)
    old_reader = cluster.client(name="old reader").setup(master, segment=0)
    name = f"127.0.0.1:{free_port()}"
    gone = []
    for life in range(10):
        salt = str(life)
        client = cluster.client(name=f"life{life}").setup(master, host=name, segment=16 * MIB)
        assert master.segments() == [name]
        assert set(client.do("get", keys=gone, size=SIZE, salt=salt)) <= {"miss"}
        mine = [f"life{life}/{i}" for i in range(5)]
        assert set(client.do("put", keys=mine + ["same"], size=SIZE, salt=salt)) == {0}
        reader = cluster.client(name=f"reader{life}").setup(master, segment=0)
        for each in (client, reader):
            assert each.do("get", keys=mine + ["same"], size=SIZE, salt=salt) == ["ok"] * 6
            assert set(each.do("get", keys=gone, size=SIZE)) <= {"miss"}
        verdict = old_reader.do("get", keys=["same"], size=SIZE, salt=salt)
        assert verdict == ["ok"] if life == 0 else set(verdict) <= {"ok", "miss"}
        client.kill()
        reader.kill()
        gone = mine


@pytest.mark.ours
def test_name_in_use_is_refused(cluster):
    """A second client under the name of a living one is refused, and the first goes on."""
    master = cluster.master(metadata=True)
    first, reader = (cluster.client(name=name) for name in ("first", "reader"))
    name = f"127.0.0.1:{free_port()}"
    first.setup(master, host=name, segment=16 * MIB)
    cluster.client(name="second").setup(master, host=name, segment=16 * MIB, expect=-600)
    reader.setup(master, segment=0)
    put_all([first])
    assert reader.do("get", keys=keys_of(first), size=SIZE) == ["ok"] * 10
    assert master.segments() == [name]


def test_three_replicas_outlive_two_clients(cluster):
    """One after the other is killed; what all three held is read by who is left."""
    master = cluster.master(flags=[f"-client_ttl={CLIENT_TTL}"])
    clients = [cluster.client(name=name).setup(master, segment=16 * MIB) for name in "abc"]
    keys = [f"thrice/{i}" for i in range(20)]
    codes = clients[0].do("put", keys=keys, size=SIZE, config={"replica_num": 3})
    assert set(codes) == {0}
    while len(clients) > 1:
        clients.pop(0).kill()
        wait_until(lambda: len(master.segments()) == len(clients), 4 * CLIENT_TTL,
                   "the dead client's segment is gone")
        for client in clients:
            assert client.do("get", keys=keys, size=SIZE) == ["ok"] * len(keys)
