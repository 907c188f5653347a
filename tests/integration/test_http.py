# SPDX-License-Identifier: Apache-2.0
"""The metadata server and the admin port, as curl sees them."""

import json
import os
import shutil
import signal
import socket
import subprocess

import pytest

from support import web
from support.master import UPSTREAM
from support.table_client import TableClient

TABLE = "0.3.13"


@pytest.fixture
def served(cluster):
    master = cluster.master(metadata=True)
    return master, TableClient(master.port, TABLE).setup()


# ---- admin port ----

def test_health_and_role(served):
    master, _ = served
    assert json.loads(web.text(master.admin("/health"))) == {
        "status": "ok", "role": "leader", "ha_state": "serving", "service_ready": True,
        "leader_address": None, "view_version": None}
    assert web.text(master.admin("/role")) == "leader"
    assert web.text(master.admin("/ha_status")) == "serving"
    assert json.loads(web.text(master.admin("/leader"))) == {
        "present": False, "leader_address": None, "view_version": None}
    assert web.request(master.admin("/nothing"))[0] == 404


def test_query_key(served):
    master, client = served
    assert client.put("a/b", 1000) == 0
    found = json.loads(web.text(master.admin("/query_key?key=a/b")))
    assert found["success"] is True
    (buffer,) = found["data"]
    assert buffer["size_"] == 1000 and buffer["protocol_"] == "tcp"
    assert buffer["transport_endpoint_"] == client.name.decode()
    assert client.base <= buffer["buffer_address_"] < client.base + len(client.memory)
    status, _, body = web.request(master.admin("/query_key?key=nobody"))
    assert (status, json.loads(body)) == (404, {
        "success": False, "error_code": -704, "error_message": "OBJECT_NOT_FOUND"})


@pytest.mark.ours
def test_query_key_decodes(served):
    master, client = served
    client.put("a b+c%/ü", 10)
    assert web.request(master.admin("/query_key?key=a%20b%2Bc%25%2f%C3%BC"))[0] == 200


def test_lists(served):
    master, client = served
    keys = [f"listed/{i}" for i in range(1000)]
    client.put_batch(keys, 64)
    assert sorted(web.text(master.admin("/get_all_keys")).split()) == sorted(keys)
    assert web.text(master.admin("/get_all_segments")) == client.name.decode() + "\n"
    detail = json.loads(web.text(master.admin("/get_segments_detail")))
    assert detail["total_segments"] == 1
    (segment,) = detail["segments"]
    assert segment["segment_name"] == segment["te_endpoint"] == client.name.decode()
    assert segment["segment_id"] == "%d-%d" % client.segment_id
    assert segment["client_id"] == "%d-%d" % client.id
    assert int(segment["base_address"], 16) == client.base
    assert segment["size_bytes"] == segment["allocator_capacity_bytes"] == len(client.memory)
    assert (segment["protocol"], segment["status"]) == ("tcp", "OK")


def test_metrics_count_what_happened(served):
    master, client = served
    for i in range(7):
        client.put(f"counted/{i}", 1000)
    client.get("counted/0", 1000)
    client.get("nobody", 1000)
    client.remove("counted/6")
    samples = web.metrics(master.admin("/metrics"))
    assert {name: samples[name] for name in (
        "master_key_count", "master_allocated_bytes", "master_total_capacity_bytes",
        "master_active_clients", "master_put_start_requests_total",
        "master_put_end_requests_total", "master_get_replica_list_requests_total",
        "master_get_replica_list_failures_total", "master_remove_requests_total",
        "master_mount_segment_requests_total", "valid_get_nums_", "total_get_nums_",
    )} == {
        "master_key_count": 6, "master_allocated_bytes": 6000,
        "master_total_capacity_bytes": len(client.memory), "master_active_clients": 1,
        "master_put_start_requests_total": 7, "master_put_end_requests_total": 7,
        "master_get_replica_list_requests_total": 2, "master_get_replica_list_failures_total": 1,
        "master_remove_requests_total": 1, "master_mount_segment_requests_total": 1,
        "valid_get_nums_": 1, "total_get_nums_": 2}
    label = '{segment="%s"}' % client.name.decode()
    assert samples["segment_allocated_bytes" + label] == 6000
    assert samples["segment_total_capacity_bytes" + label] == len(client.memory)


def test_summary(served):
    master, client = served
    client.put("one", 1000)
    line = web.text(master.admin("/metrics/summary"))
    assert line.startswith("role=leader, state=serving, service_ready=true")
    assert "Keys: 1 " in line and "Clients: 1 " in line


# ---- metadata server ----

def key(master, name):
    return f"{master.metadata}?key={name}"


def test_metadata_life(served):
    master, _ = served
    url = key(master, "mooncake%2Fram%2F10.0.0.1%3A5")
    assert web.request(url)[::2] == (404, b"metadata not found")
    assert web.request(url, "PUT", b'{"a":1}')[::2] == (200, b"metadata updated")
    status, headers, body = web.request(url)
    assert (status, headers["Content-Type"], body) == (200, "application/json", b'{"a":1}')
    assert web.request(url, "PUT", b"\0not json")[::2] == (200, b"metadata updated")
    assert web.request(url)[2] == b"\0not json"
    assert web.request(url, "DELETE")[::2] == (200, b"metadata deleted")
    assert web.request(url, "DELETE")[::2] == (404, b"metadata not found")


def test_metadata_refusals(served):
    master, _ = served
    for method in ("GET", "PUT", "DELETE"):
        for url in (master.metadata, key(master, "")):
            body = b"{}" if method == "PUT" else None
            assert web.request(url, method, body)[::2] == (400, b"Missing key parameter")
    assert web.request(master.metadata + "/", "GET")[0] == 404
    assert web.request(key(master, "a"), "POST", b"")[0] == (404 if UPSTREAM else 405)
    health = master.metadata.replace("/metadata", "/health")
    assert web.request(health)[::2] == (200, b"OK")


@pytest.mark.ours
def test_metadata_spellings_meet(served):
    master, _ = served
    assert web.request(key(master, "mooncake%2Fram%2Fq%3A1"), "PUT", b"{}")[0] == 200
    for spelling in ("mooncake/ram/q:1", "mooncake%2fram%2fq%3a1", "mooncake/ram%2Fq:1"):
        assert web.request(key(master, spelling))[::2] == (200, b"{}")


def meta(port):
    return json.dumps({"ip_or_host_name": "127.0.0.1", "rpc_port": port}).encode()


def test_rpc_meta_of_a_living_process_is_kept(served):
    master, _ = served
    url = key(master, "mooncake%2Frpc_meta%2F127.0.0.1%3A7")
    with socket.create_server(("127.0.0.1", 0)) as living:
        stored = meta(living.getsockname()[1])
        assert web.request(url, "PUT", stored)[::2] == (200, b"metadata updated")
        assert web.request(url, "PUT", stored)[::2] == (200, b"metadata unchanged")
        assert web.request(url, "PUT", meta(9))[::2] == (400, b"Duplicate rpc_meta key not allowed")
        assert web.request(url)[2] == stored


@pytest.mark.ours
def test_rpc_meta_of_a_dead_process_is_replaced(served):
    """The owner of the stored address no longer listens: its ram entry, segments and objects go
    before the new one is told that it may take the name."""
    master, client = served
    client.put("gone with it", 100)
    name = client.name.decode()
    with socket.create_server(("127.0.0.1", 0)) as dead:
        port = dead.getsockname()[1]
    assert web.request(key(master, f"mooncake/ram/{name}"), "PUT", b'{"old":1}')[0] == 200
    assert web.request(key(master, f"mooncake/rpc_meta/{name}"), "PUT", meta(port))[0] == 200
    assert web.request(key(master, f"mooncake/rpc_meta/{name}"), "PUT", meta(9))[0] == 200
    assert web.request(key(master, f"mooncake/rpc_meta/{name}"))[2] == meta(9)
    assert web.request(key(master, f"mooncake/ram/{name}"))[0] == 404
    assert master.segments() == []
    assert client.get("gone with it", 100) == "miss"


@pytest.mark.ours
def test_metadata_host_is_honoured(served):
    """Started with 127.0.0.1: another address of this machine does not answer."""
    master, _ = served
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", master.metadata_port)) != 0


def test_curl_with_keep_alive(served):
    master, _ = served
    curl = shutil.which("curl")
    assert curl, "curl is missing: run tools/setup"
    urls = [key(master, "kept"), master.metadata.replace("/metadata", "/health")] * 3
    assert web.request(urls[0], "PUT", b'{"kept":1}')[0] == 200
    done = subprocess.run([curl, "-sS", "--max-time", "10", "-w", "%{num_connects}\n", *urls],
                          capture_output=True, text=True, check=True)
    assert done.stdout == '{"kept":1}1\nOK0\n{"kept":1}0\nOK0\n{"kept":1}0\nOK0\n'


@pytest.mark.ours
def test_health_while_stopping(cluster):
    """Nothing that a shut-down leaves behind: the ports are free for the next at once."""
    master = cluster.master(metadata=True)
    os.kill(master.pid, signal.SIGTERM)
    assert master.process.wait(5) == 0
    for port in (master.port, master.metrics_port, master.metadata_port):
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))
    master.process = None
