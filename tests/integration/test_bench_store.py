# SPDX-License-Identifier: Apache-2.0
"""mc-bench store: with a master and nodes of its own, against ours and upstream's, and refusals."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest

from support import processes
from support.master import BUILD
from support.pool_node import PoolNode
from support.ports import free_port

BENCH = BUILD / "apps/mc-bench/mc-bench"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def bench(*flags, timeout=60, env=None):
    return subprocess.run([BENCH, "store", *flags], capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **(env or {})})


def rows(done, code=0):
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def children():
    found = subprocess.run(["pgrep", "-P", str(os.getpid()), "-a"], capture_output=True, text=True)
    return found.stdout


def test_quick_is_quick_and_leaves_nothing(tmp_path):
    begin = time.monotonic()
    page = tmp_path / "page.html"
    done = bench("-quick", "-seconds", "0.2", "-node_size", "256M", "-live", "128M", "-html", page)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begin < 45
    lines = [line.split() for line in done.stdout.splitlines()[2:]]
    assert [line[:3] for line in lines] == [
        [op, size, batch] for size, batch in (("4K", "1"), ("64K", "1"), ("1M", "1"), ("4M", "1"),
                                              ("4M", "16")) for op in ("put", "get")]
    assert all(float(line[4]) > 0 for line in lines), done.stdout
    assert "<table>" in page.read_text() and "http" not in page.read_text()


@pytest.mark.parametrize("upstream", [False, True], ids=["ours", "upstream"])
def test_bytes_are_right_under_any_master(cluster, tmp_path, upstream):
    master = cluster.master(upstream=upstream)
    node = PoolNode(tmp_path, "node", master.address, size="256 MB").start().wait_serving()
    try:
        found = rows(bench("-master", master.address, "-op", "put,get,exist,mixed", "-size",
                           "1,4095,100K", "-batch", "3", "-clients", "2", "-live", "64M",
                           "-seconds", "0.2", "-verify", "-checksum", "-hit_ratio", "0.8",
                           "-staged", "-json"))
    finally:
        node.kill()
    assert [(row["size"], row["op"]) for row in found] == [
        (size, op) for size in (1, 4095, 102400) for op in ("put", "get", "exist", "mixed")]
    for row in found:
        assert row["errors"] == row["wrong"] == 0, row
        assert row["ops_per_s"] > 0, row
        assert (row["verified"] > 0) == (row["op"] in ("get", "mixed")), row


@pytest.mark.parametrize("driver", ["shm", "tcp"])
def test_each_driver_and_the_inline_client(driver):
    found = rows(bench("-driver", driver, "-inline", "-size", "64K", "-seconds", "0.3", "-live",
                       "32M", "-node_size", "128M", "-verify", "-json", "-rounds", "2"))
    assert [row["op"] for row in found] == ["put", "get"]
    assert all(row["errors"] == 0 and row["gb_per_s"] > 0 for row in found)


def test_what_is_wrong_is_named():
    dead = f"127.0.0.1:{free_port()}"
    done = bench("-master", dead)
    assert done.returncode == 1 and dead in done.stderr
    done = bench("-size", "much")
    assert done.returncode == 1 and "-size" in done.stderr and done.stdout == ""
    done = bench("-html", "/nowhere/page.html")
    assert done.returncode == 1 and "/nowhere/page.html" in done.stderr
    done = bench("-node_size", "64M", "-live", "256M", "-seconds", "0.1", "-op", "get")
    assert done.returncode == 1 and "-live" in done.stderr


TRACE = ROOT / "tests/vectors/traces/requests.jsonl"


def replay(*flags, timeout=60):
    return subprocess.run([BENCH, "replay", *map(str, flags)], capture_output=True, text=True,
                          timeout=timeout)


def prefix_hits():
    """What a pool without end and one client would hit."""
    there, blocks, hits = set(), 0, 0
    for line in TRACE.read_text().splitlines():
        ids = json.loads(line)["hash_ids"]
        known = next((i for i, block in enumerate(ids) if block not in there), len(ids))
        blocks, hits = blocks + len(ids), hits + known
        there.update(ids)
    return hits / blocks


def test_a_trace_is_replayed():
    found, = rows(replay("-bytes_per_token", "8", "-node_size", "64M", "-json", "-checksum", TRACE))
    assert found["requests"] == 200 and found["errors"] == found["refused"] == 0
    assert found["hit_ratio"] == pytest.approx(prefix_hits(), abs=1e-4)
    # a pool that is too small hits less, and nothing goes wrong
    small, = rows(replay("-bytes_per_token", "32", "-node_size", "16M", "-nodes", "1", "-clients",
                         "3", "-json", TRACE))
    assert small["requests"] == 200 and small["errors"] == 0
    assert small["hit_ratio"] < found["hit_ratio"]


def test_traces_that_are_none(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"timestamp": 1, "hash_ids": [1]}\n{"timestamp": 2}\n')
    done = replay(bad)
    assert done.returncode == 1 and "line 2" in done.stderr and str(bad) in done.stderr
    done = replay(tmp_path / "none")
    assert done.returncode == 1 and "none" in done.stderr
    assert replay().returncode == 1


def test_an_interrupt_ends_it_and_its_children(tmp_path):
    with open(tmp_path / "out", "wb") as out:
        process = processes.spawn([BENCH, "store", "-seconds", "60", "-node_size", "64M", "-live",
                                   "16M"], stdout=out, stderr=out)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    assert processes.reap(process, 20) == 130
    assert str(process.pid) not in children()


def test_the_page_of_its_flags_is_true():
    assert bench("-help_markdown").stdout == (ROOT / "doc/flags-bench-store.md").read_text()
    assert replay("-help_markdown").stdout == (ROOT / "doc/flags-bench-replay.md").read_text()
