# SPDX-License-Identifier: Apache-2.0
"""Four clients of four threads each work on a pool that is too small, for MC_TEST_SOAK_SECONDS
(20): no wrong byte, and no byte of space that is lost."""

import os

from support import web
from support.master import NEWEST, UPSTREAM
from support.processes import wait_until
from support.rpc import Client
from support.table_client import buffers
from support.wheel import MIB

SECONDS = float(os.environ.get("MC_TEST_SOAK_SECONDS", 20))
CLIENTS, THREADS, KEYS = 4, 4, 96
PHASES = 2
RELEASE_S = 6       # after which the space of replaced values is given back
CODES = {"put": {"0", "-200"}, "put_batch": {"0", "-200"}, "upsert": {"0", "-200"},
         "remove": {"0", "-704", "-706"}, "exist": {"0", "1"}}


def extent(size):
    """What an object takes: with a trailer of 32 bytes, rounded up to 64."""
    return -(-(size + 32) // 64) * 64


def stored(master):
    """Sizes of all replicas of all keys."""
    keys = web.text(master.admin("/get_all_keys")).split()
    client = Client(master.port, NEWEST)
    answers = client.call("BatchGetReplicaList", vector_of_string=[[k.encode() for k in keys]])
    client.close()
    return [size for answer in answers for _, size, _ in buffers(answer.value[0])]


def used(master):
    samples = web.metrics(master.admin("/metrics"))
    return samples["master_allocated_bytes" if UPSTREAM else "mc_master_extent_bytes"]


def check_space(master):
    """Nobody works: the space in use is that of what is stored, as soon as no old value rests."""
    sizes = stored(master)
    want = sum(sizes if UPSTREAM else map(extent, sizes))
    wait_until(lambda: used(master) == want, RELEASE_S + 10,
               f"{len(sizes)} replicas take {want} bytes, not {used(master)}", interval=0.5)
    assert sum(map(int, sizes)) > 0


def run_phase(clients, phase):
    names = [f"{client.name}/{phase}" for client in clients]
    for client, name in zip(clients, names):
        client.begin("soak", name=name, threads=THREADS, clients=names, keys=KEYS,
                     seconds=SECONDS / PHASES)
    return [client.end(SECONDS + 120) for client in clients]


def check_done(results):
    for result in results:
        assert not result["wrong"], "\n".join(result["wrong"])
        for what, codes in CODES.items():
            assert set(result["done"].get(what, {})) <= codes, f"{what}: {result['done']}"
        for what in ("get", "get_batch", "get_into"):
            assert result["done"][what].get("ok", 0) > 0, result["done"]
        assert result["done"]["upsert"].get("0", 0) > 0, result["done"]


def test_soak(cluster):
    master = cluster.master(flags=[
        "-default_kv_lease_ttl=500", "-eviction_ratio=0.1", "-eviction_high_watermark_ratio=0.8",
        "-put_start_discard_timeout_sec=5", f"-put_start_release_timeout_sec={RELEASE_S}"])
    clients = [cluster.client(name=f"soak{i}").setup(master, segment=16 * MIB)
               for i in range(CLIENTS)]
    # a slow machine needs more of them until the pool was full once
    for phase in range(10 * PHASES):
        check_done(run_phase(clients, phase))
        check_space(master)
        evicted = web.metrics(master.admin("/metrics"))["master_evicted_key_count"]
        if phase + 1 >= PHASES and evicted > 0:
            break
    assert evicted > 0
    assert len(master.segments()) == CLIENTS
    wait_until(lambda: clients[0].call("remove_all", True) == 0, 5, "all keys are gone")
    wait_until(lambda: used(master) == 0, RELEASE_S + 10, "no space is in use", interval=0.5)
