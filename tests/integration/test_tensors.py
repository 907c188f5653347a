# SPDX-License-Identifier: Apache-2.0
"""The tensor calls of upstream's wheel, with PyTorch: what one process writes, another reads."""

import pytest

from support.processes import wait_until

KINDS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
         "float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2")
GETS = ("get_tensor", "batch_get_tensor", "get_tensor_into", "batch_get_tensor_into")
SHAPE = [2, 6, 40]


@pytest.fixture
def pair(cluster):
    master = cluster.master()
    return [cluster.client(name=name, venv="tensors").setup(master)
            for name in ("writer", "reader")]


def put(client, how, tensors, **more):
    codes = client.do("tensors", call="put", how=how, tensors=tensors, **more)
    assert codes == [0] * len(tensors), f"{how}: {codes}"


def check(client, tensors):
    """By every way of reading, two at a time, as much as the batch forms have room for."""
    for how in GETS:
        for at in range(0, len(tensors), 2):
            part = tensors[at:at + 2]
            verdicts = client.do("tensors", call="get", how=how, tensors=part)
            assert verdicts == ["ok"] * len(part), f"{how} {part}: {verdicts}"


def test_every_kind(pair):
    writer, reader = pair
    tensors = [(f"kind/{kind}", kind, SHAPE, "") for kind in KINDS]
    put(writer, "put_tensor", tensors)
    check(reader, tensors)
    check(writer, tensors[:2])
    assert reader.do("tensors", call="get", how="get_tensor",
                     tensors=[("nobody", "int8", [1], "")]) == ["miss"]


def test_every_shape(pair):
    writer, reader = pair
    tensors = [(f"shape/{i}", "float32", shape, "") for i, shape in enumerate(
        ([1], [7], [0, 3], [1, 1], [3, 1, 5], [2] * 8, [65536]))]
    put(writer, "batch_put_tensor", tensors)
    check(reader, tensors)


def test_upserts(pair):
    """Other bytes of the same shape, other shapes, other kinds, and keys that are new."""
    writer, reader = pair
    old = [(f"up/{i}", "float32", SHAPE, "old") for i in range(4)]
    put(writer, "put_tensor", old)
    new = [("up/0", "float32", SHAPE, "new"), ("up/1", "float32", [9], "new"),
           ("up/2", "int64", SHAPE, "new"), ("up/new", "float32", SHAPE, "new")]
    put(reader, "upsert_tensor", new)
    check(writer, new + old[3:])
    newest = [(key, kind, shape, "newest") for key, kind, shape, _ in new]
    put(writer, "batch_upsert_tensor", newest)
    check(reader, newest)


def test_published(pair):
    """With a configuration: two replicas, of which one is lost."""
    writer, reader = pair
    config = {"replica_num": 2}
    for how, more in (("pub_tensor", "put"), ("batch_pub_tensor", "put"),
                      ("upsert_pub_tensor", "again"), ("batch_upsert_pub_tensor", "again")):
        tensors = [(f"pub/{how.replace('upsert_', '')}/{i}", "bfloat16", SHAPE, more)
                   for i in range(2)]
        put(writer, how, tensors, config=config)
        check(reader, tensors)
    writer.kill()
    wait_until(lambda: reader.do("tensors", call="get", how="get_tensor", tensors=tensors)
               == ["ok"] * 2, 20, "the other replica is read")


def test_shards(pair):
    writer, reader = pair
    for dim, ranks in ((0, 2), (1, 3), (2, 4)):
        shards = {"tensor": (f"tp/{dim}", "float16", SHAPE, ""), "ranks": ranks, "dim": dim}
        assert writer.do("tensors", call="put_shards", **shards) == [0] * ranks
        assert reader.do("tensors", call="get_shards", **shards) == ["ok"] * ranks


def test_from_memory(pair):
    """A tensor as it lies in the store, written again from registered memory."""
    writer, reader = pair
    put(writer, "put_tensor", [("raw", "float64", SHAPE, "")])
    for how in ("put_tensor_from", "upsert_tensor_from", "upsert_tensor_from"):
        assert reader.do("tensors", call="copy_raw", how=how, source="raw", key="copied") == 0
        check(writer, [("copied", "float64", SHAPE, "")])


def test_safetensors(pair, tmp_path):
    writer, reader = pair
    tensor, path = ("float32", SHAPE, ""), str(tmp_path / "one.safetensors")
    put(writer, "put_tensor", [("save", *tensor)])
    assert reader.do("tensors", call="save", key="save", path=path) == 0
    assert writer.do("tensors", call="file_is", path=path, tensor=tensor) == "ok"
    assert writer.do("tensors", call="load", key="loaded", path=path, tensor=tensor) == "ok"
    check(reader, [("loaded", *tensor)])
