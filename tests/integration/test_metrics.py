# SPDX-License-Identifier: Apache-2.0
"""The names in /metrics beside those of upstream's 0.3.13.post1 (support/upstream_metrics.txt), and
that what stands there follows what happens."""

import pathlib

import pytest

from support import web
from support.master import UPSTREAM
from support.table_client import TableClient

TABLE = "0.3.13"
LIST = pathlib.Path(__file__).parent / "support/upstream_metrics.txt"

# Of features that are not here (doc/limits.md).
ABSENT = ("file_cache_", "ha_", "master_promotion_", "master_nof_", "master_total_nof_",
          "master_allocated_file_", "master_total_file_", "mooncake_tenant_quota_")


def kinds(master):
    lines = web.text(master.admin("/metrics")).splitlines()
    return {tuple(line.split()[2:]) for line in lines if line.startswith("# TYPE ")}


def test_names(cluster):
    master = cluster.master()
    client = TableClient(master.port, TABLE).setup()
    client.put("a", 100)
    listed = {tuple(line.split()) for line in LIST.read_text().splitlines()}
    found = kinds(master)
    if UPSTREAM:
        assert found == listed
        return
    assert {name for name in listed if not name[0].startswith(ABSENT)} <= found
    assert not [name for name, _ in found if name.startswith(ABSENT)]
    listed_names = {name for name, _ in listed}
    ours = {name for name, _ in found} - listed_names - {"process_resident_memory_bytes"}
    assert all(name.startswith("mc_") for name in ours), ours


def test_sizes(cluster):
    master = cluster.master()
    client = TableClient(master.port, TABLE, size=64 << 20).setup()
    for key, size in (("a", 4096), ("b", 4097), ("c", 1 << 20), ("d", 32 << 20)):
        client.put(key, size)
    samples = web.metrics(master.admin("/metrics"))
    counts = [samples['master_value_size_bytes_bucket{le="%s"}' % end] for end in (
        "4096.000000", "65536.000000", "262144.000000", "1048576.000000", "4194304.000000",
        "16777216.000000", "67108864.000000", "+Inf")]
    # upstream's count one more, of 0 bytes
    assert [count - UPSTREAM for count in counts] == [1, 2, 2, 3, 3, 3, 4, 4]
    assert samples["master_value_size_bytes_sum"] == 4096 + 4097 + (1 << 20) + (32 << 20)


def test_refused_and_partial_writes(cluster):
    master = cluster.master()
    client = TableClient(master.port, TABLE, size=1 << 20).setup()
    client.start("large", 2 << 20)
    client.rpc.call("PutStart", uuid=[client.id], string=[b"twice"], u64=[100, 2])
    samples = web.metrics(master.admin("/metrics"))
    assert samples["master_put_start_alloc_failures_total"] == 1
    assert samples["master_put_start_partial_allocations_total"] == 1


def test_bytes_of_hits(cluster):
    master = cluster.master()
    client = TableClient(master.port, TABLE).setup()
    client.put("a", 1000)
    client.get("a", 1000)
    client.get("nobody", 1000)
    client.get("a", 1000)
    assert web.metrics(master.admin("/metrics"))["mem_cache_hit_bytes_total"] == 2000


@pytest.mark.ours
def test_latency_and_segments(cluster):
    master = cluster.master()
    client = TableClient(master.port, TABLE).setup()
    client.put("a", 1000)
    for _ in range(100):
        client.exist(["a"])
    samples = web.metrics(master.admin("/metrics"))
    # what was answered last may be counted with what comes next
    calls = sum(value for name, value in samples.items() if name.startswith("mc_lcore_rpc_calls"))
    assert calls - 8 <= samples["mc_master_rpc_latency_seconds_count"] <= calls
    assert 0 < samples["mc_master_rpc_latency_seconds_sum"] < 10
    label = '{segment="%s"}' % client.name.decode()
    assert samples["mc_segment_free_bytes" + label] == len(client.memory) - 1088
    assert samples["mc_segment_free_largest_bytes" + label] == len(client.memory) - 1088 - 32
