# SPDX-License-Identifier: Apache-2.0
"""Clients of different releases on one mc-master at the same time."""

import pytest

from support.wheel import MIB, OLDEST, RELEASES

pytestmark = pytest.mark.ours
SIZE = 3001
ALL = RELEASES + (OLDEST,)


def own_keys(client):
    return [f"{client.release}/{i}" for i in range(20)]


def join(cluster, master, releases):
    clients = [cluster.client(release, "mixed").setup(master, segment=16 * MIB)
               for release in releases]
    for client in clients:
        home = client.call("get_hostname")
        codes = client.do("put", keys=own_keys(client), size=SIZE,
                          config={"preferred_segment": home})
        assert set(codes) == {0}, f"{client.release}: {codes}"
    return clients


def check_own(clients):
    for client in clients:
        for how in ("get", "get_batch", "batch_get_into"):
            verdicts = client.do("get", keys=own_keys(client), size=SIZE, how=how)
            assert set(verdicts) == {"ok"}, f"{client.release} {how}: {verdicts}"


def check_visible(clients):
    """Every release is told of every object. (Whether it can also fetch the bytes from a process of
    another release is between the two; releases differ in how they transfer.)"""
    everything = [key for client in clients for key in own_keys(client)]
    for client in clients:
        found = client.call("batch_is_exist", everything + ["nobody"])
        assert found == [1] * len(everything) + [0], client.release
        assert {client.call("get_size", key) for key in everything} == {SIZE}, client.release


def test_all_releases_on_exact_ports(cluster):
    """--abi_ports leaves no doubt: all wheels at once, each on its release's port."""
    master = cluster.master(abi_ports=ALL)
    clients = join(cluster, master, ALL)
    assert len(master.segments()) == len(ALL)
    check_own(clients)
    check_visible(clients)


def test_releases_that_one_port_tells_apart(cluster):
    """On the shared port, from the shared address: two releases whose calls are never the same."""
    master = cluster.master()
    clients = join(cluster, master, ("0.3.13.post1", "0.3.10.post2"))
    check_own(clients)
    check_visible(clients)


def test_neighbours_transfer_to_each_other(cluster):
    """0.3.13 and 0.3.12 move bytes in the same way: each reads what the other holds."""
    master = cluster.master(abi_ports=("0.3.12.post1",))
    clients = join(cluster, master, ("0.3.13.post1", "0.3.12.post1"))
    for reader in clients:
        for writer in clients:
            assert set(reader.do("get", keys=own_keys(writer), size=SIZE)) == {"ok"}
