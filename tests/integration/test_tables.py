# SPDX-License-Identifier: Apache-2.0
"""A client driven by the recorded tables alone, in each layout of upstream's releases, on the port
that --abi_ports gives to that release."""

import pytest

from support.literal import Err, Ok
from support.master import NEWEST, ROOT, UPSTREAM
from support.rpc import tables
from support.table_client import EXISTS, LEASED, NOT_FOUND, TableClient

LAYOUTS = list(tables())
SIZE = 777


def port_of(cluster, release):
    if not UPSTREAM:
        return cluster.master(abi_ports=LAYOUTS).abi_ports[release]
    if not (ROOT / ".venvs" / release).exists():
        pytest.skip(f"no wheel of {release} is installed to compare with")
    return cluster.master(release).port


def check_put_and_get(client):
    keys = [f"one/{i}" for i in range(20)]
    assert [client.put(key, SIZE) for key in keys] == [0] * 20
    assert [client.get(key, SIZE) for key in keys] == ["ok"] * 20
    assert client.put(keys[0], SIZE) == EXISTS
    assert client.get("nobody", SIZE) == "miss"
    assert client.exist(["one/0", "nobody", "one/19"]) == [True, False, True]
    return keys


def check_batches(client):
    keys = [f"many/{i}" for i in range(300)]
    client.put_batch(keys, 64)
    assert client.get_batch(keys + ["nobody"], 64) == ["ok"] * 300 + ["miss"]


def check_unfinished(client):
    """What nobody finished is not seen, and what was given up can be written anew."""
    assert isinstance(client.start("half", SIZE), Ok)
    assert client.exist(["half"]) == [False]
    assert client.rpc.call("GetReplicaList", string=[b"half"]) == Err(-703)
    assert client.finish("half", "PutRevoke") == Ok(None)
    assert client.get("half", SIZE) == "miss"
    assert client.put("half", SIZE) == 0


def check_removal(client, keys):
    assert client.remove("nobody") == NOT_FOUND
    assert client.remove(keys[0]) == LEASED
    client.put("unread/1", SIZE)
    client.put("unread/2", SIZE)
    assert client.remove("unread/1") == 0
    assert client.rpc.call("RemoveByRegex", string=[b"^unread/[0-9]+$"]) == Ok(1)
    if client.rpc.table["Remove"]["args_literal"] != "800c":
        assert client.remove(keys[0], force=True) == 0
        assert client.rpc.call("RemoveAll", bool=[True]) >= len(keys) - 1
        assert client.exist(keys[1:]) == [False] * (len(keys) - 1)


@pytest.mark.parametrize("short", [False, True], ids=["literal", "short"])
@pytest.mark.parametrize("release", LAYOUTS)
def test_layout(cluster, release, short):
    client = TableClient(port_of(cluster, release), release, short).setup()
    keys = check_put_and_get(client)
    check_batches(client)
    check_unfinished(client)
    check_removal(client, keys)
    assert client.close()
    assert cluster.masters[0].segments() == []


@pytest.mark.ours
def test_every_function_of_every_layout_is_answered(cluster):
    """No function of a release is unknown on its port, and each answer decodes by the table."""
    master = cluster.master(abi_ports=LAYOUTS)
    for release in LAYOUTS:
        client = TableClient(master.abi_ports[release], release).setup()
        for function in client.rpc.table:
            given = {"uuid": [(1, 2), (3, 4)], "string": [b"nothing"]}
            client.rpc.call(function, **given)
        client.close()


@pytest.mark.ours
def test_all_layouts_share_one_store(cluster):
    """Objects written in one layout are found in all others."""
    master = cluster.master(abi_ports=LAYOUTS)
    clients = [TableClient(master.abi_ports[release], release) for release in LAYOUTS]
    writer = clients[LAYOUTS.index(NEWEST)].setup()
    assert writer.put("shared", SIZE) == 0
    for client in clients:
        client.name, client.base, client.memory = writer.name, writer.base, writer.memory
        assert client.get("shared", SIZE) == "ok", client.rpc.table["PutStart"]
        client.rpc.close()
