# SPDX-License-Identifier: Apache-2.0
"""mc-node: gives memory to a pool, under our master and upstream's, and leaves it in every way."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import time

import pytest

from support import web
from support.master import BUILD
from support.pool_node import PoolNode
from support.ports import free_port
from support.processes import spawn, wait_until
from support.wheel import MIB

SIZE = 100_003
KEYS = [f"node/{i}" for i in range(20)]


@pytest.fixture
def nodes(tmp_path):
    made = []

    def make(name, master, **options):
        made.append(PoolNode(tmp_path, name, master, **options))
        return made[-1].start().wait_serving()

    yield make
    for node in made:
        node.kill()


@pytest.mark.parametrize("metadata", [False, True], ids=["p2p", "http"])
@pytest.mark.parametrize("upstream", [False, True], ids=["ours", "upstream"])
def test_wheels_use_its_memory(cluster, nodes, metadata, upstream):
    """The wheels bring no memory: every byte lies in ours."""
    master = cluster.master(metadata=metadata, upstream=upstream)
    node = nodes("node", master.address, metadata=master.metadata)
    assert node.name in master.segments()
    left, right = (cluster.client(name=name).setup(master, segment=0) for name in ("left", "right"))
    assert set(left.do("put", keys=KEYS, size=SIZE, salt="n", how="put")) == {0}
    assert set(right.do("get", keys=KEYS, size=SIZE, salt="n", how="get_into")) == {"ok"}
    assert node.stop() == 0
    assert node.name not in master.segments()
    assert right.call("batch_is_exist", KEYS) == [0] * len(KEYS)


def test_two_nodes_and_their_pages(cluster, nodes):
    master = cluster.master()
    port = free_port()
    one = nodes("one", master.address,
                flags=["-enable_http_server", "-http_port", str(port), "-http_host", "127.0.0.1"])
    two = nodes("two", master.address)
    assert sorted(master.segments()) == sorted([one.name, two.name])
    metrics = web.metrics(f"http://127.0.0.1:{port}/metrics")
    assert metrics["mc_store_segment_bytes"] == 64 * MIB
    assert web.request(f"http://127.0.0.1:{port}/health")[0] == 200
    master.stop()
    wait_until(lambda: web.request(f"http://127.0.0.1:{port}/health")[0] == 503, 3, "it tells")
    master.start()
    wait_until(lambda: sorted(master.segments()) == sorted([one.name, two.name]), 10,
               "both are mounted again")
    wait_until(lambda: web.request(f"http://127.0.0.1:{port}/health")[0] == 200, 5, "healthy")


@pytest.mark.parametrize("upstream", [False, True], ids=["ours", "upstream"])
def test_a_master_that_was_away(cluster, nodes, upstream):
    """Killed, and back after some seconds: the node says so once, and is mounted again."""
    master = cluster.master(upstream=upstream)
    node = nodes("node", master.address)
    master.kill()
    time.sleep(2.5)
    assert node.process.poll() is None
    master.start()
    wait_until(lambda: node.name in master.segments(), 10, "it is mounted again")
    assert node.text().count("calls fail until it is back") == 1
    client = cluster.client().setup(master, segment=0)
    assert set(client.do("put", keys=KEYS, size=SIZE, salt="a", how="put")) == {0}
    assert set(client.do("get", keys=KEYS, size=SIZE, salt="a", how="get_into")) == {"ok"}
    assert node.stop() == 0


@pytest.mark.parametrize("upstream", [False, True], ids=["ours", "upstream"])
def test_a_killed_node_is_found_out(cluster, nodes, upstream):
    master = cluster.master(upstream=upstream, flags=["-client_ttl=2"])
    node = nodes("node", master.address)
    assert master.segments() == [node.name]
    node.kill()
    wait_until(lambda: master.segments() == [], 8, "the segment of the killed node is gone")


def test_a_drained_node_can_go(cluster, nodes):
    """Its objects are moved by itself, to another of ours."""
    master = cluster.master()
    stays, goes = nodes("stays", master.address), nodes("goes", master.address)
    client = cluster.client().setup(master, segment=0)
    assert set(client.do("put", keys=KEYS, size=SIZE, salt="d", how="put",
                         config={"preferred_segment": goes.name})) == {0}
    body = json.dumps({"segments": [goes.name], "max_concurrency": 16}).encode()
    code, _, text = web.request(master.admin("/api/v1/drain_jobs"), "POST", body)
    assert code == 200, text
    query = master.admin(f"/api/v1/drain_jobs/query?job_id={json.loads(text)['job_id']}")
    told = wait_until(lambda: ended(json.loads(web.text(query))), 20, "the job is over")
    assert told["status_name"] == "SUCCEEDED" and told["succeeded_units"] == len(KEYS), told
    assert goes.stop() == 0
    assert set(client.do("get", keys=KEYS, size=SIZE, salt="d", how="get_into")) == {"ok"}
    assert master.segments() == [stays.name]


def ended(job):
    return None if job["status_name"] in ("CREATED", "RUNNING") else job


def test_it_pins_its_cores(cluster, nodes):
    master = cluster.master()
    node = nodes("node", master.address, flags=["-l", "0", "-poll_idle_us", "10"])
    assert "runs on lcores" in node.text()
    assert node.stop() == 0


def test_it_goes_at_once_when_told_twice(cluster, nodes):
    """The master stands still, so that unmounting takes its time."""
    master = cluster.master()
    node = nodes("node", master.address)
    master.process.send_signal(signal.SIGSTOP)
    try:
        node.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "SIGTERM: unmounting" in node.text(), 5, "it is told")
        node.process.send_signal(signal.SIGTERM)
        assert node.process.wait(2) == 1
    finally:
        master.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_it_goes_without_a_master(cluster, nodes, number):
    master = cluster.master()
    node = nodes("node", master.address)
    master.kill()
    begin = time.monotonic()
    node.process.send_signal(number)
    assert node.process.wait(10) == 0
    assert time.monotonic() - begin < 5


def test_one_live_line_on_a_terminal(cluster, tmp_path):
    master = cluster.master()
    ours, its = pty.openpty()
    command = PoolNode(tmp_path, "node", master.address, size="256 MB").command
    node = spawn(command, stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    try:
        while b"] serving" not in shown or b"0.25 of 0.25 GiB ready" not in shown:
            assert select.select([ours], [], [], 20)[0], shown
            shown += os.read(ours, 4096)
    finally:
        node.terminate()
        assert node.wait(10) == 0
        os.close(ours)
    assert b"\rmemory: 0.25 of 0.25 GiB ready" in shown


def refused(*flags, timeout=8):
    begin = time.monotonic()
    done = subprocess.run([BUILD / "apps/mc-node/mc-node", *flags], capture_output=True, text=True,
                          timeout=timeout)
    assert time.monotonic() - begin < 6
    assert done.returncode == 1, done.stderr
    return done.stderr


def test_what_is_wrong_is_named_at_once(cluster, tmp_path):
    dead = f"127.0.0.1:{free_port()}"
    assert dead in refused("-master_server_address", dead, "-metadata_server", "P2PHANDSHAKE")
    assert "global_segment_size" in refused("-global_segment_size", "lots")
    assert "global_segment_size" in refused("-global_segment_size", "0")
    assert "not built" in refused("-enable_offload")
    assert "no flag" in refused("much")
    assert "numa" in refused("-numa", "west")
    master = cluster.master()
    meta = f"http://127.0.0.1:{free_port()}/metadata"
    text = refused("-master_server_address", master.address, "-metadata_server", meta)
    assert f'metadata_server="{meta}": connection refused' in text
    assert "P2PHANDSHAKE needs no server" in text
    meta = f"http://127.0.0.1:{master.metrics_port}/metadata"
    text = refused("-master_server_address", master.address, "-metadata_server", meta)
    assert f'metadata_server="{meta}": not found' in text
    text = refused("-master_server_address", master.address, "-metadata_server", "P2PHANDSHAKE",
                   "-global_segment_size", "2TB")
    assert "no 2199023255552 bytes of memory" in text and "ask for less" in text
    assert '-protocol: "rdma" is not built yet' in refused("-protocol", "rdma")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        text = refused("-master_server_address", master.address, "-metadata_server",
                       "P2PHANDSHAKE", "-global_segment_size", "16MB", "-enable_http_server",
                       "-http_port", port, "-http_host", "127.0.0.1")
        assert port in text
    assert master.segments() == []
