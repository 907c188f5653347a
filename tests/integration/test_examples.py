# SPDX-License-Identifier: Apache-2.0
"""doc/examples as a reader would run them, against both masters."""

import os
import subprocess

import pytest

from support import processes
from support.master import BUILD, ROOT

LINES_MAX = 62


def start(name, *arguments):
    return processes.spawn([BUILD / "doc/examples" / name, *arguments], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)


def ended(process):
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, f"{process.args}: {process.returncode}\n{out}{err}"
    return out


@pytest.fixture(params=[False, True], ids=["mc-master", "mooncake_master"])
def master(request, cluster):
    return cluster.master(upstream=request.param)


def test_on_cores(master):
    core = min(os.sched_getaffinity(0))
    out = ended(start("engine_on_cores", master.address, core))
    assert f"lcore 0 on CPU {core}" in out and "1048576 bytes are back" in out


def test_inline(master):
    assert "1000 gets, 0 failed" in ended(start("engine_inline", master.address))


def test_producer_and_consumer(master):
    consumer = start("kv_consumer", master.address, 100)
    producer = start("kv_producer", master.address, 100)
    assert "100 of 100 blocks are right" in ended(consumer)
    assert "100 blocks: ok" in ended(producer)


def test_they_are_short_and_all_are_run():
    names = {"engine_on_cores", "engine_inline", "kv_producer", "kv_consumer"}
    sources = list((ROOT / "doc/examples").glob("*.c"))
    assert {source.stem for source in sources} == names
    assert all(len(source.read_text().splitlines()) <= LINES_MAX for source in sources)
