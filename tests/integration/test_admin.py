# SPDX-License-Identifier: Apache-2.0
"""The admin port, route by route. With MC_TEST_MASTER=upstream the same tests hold the formats
against upstream's own master; what differs on purpose says so in its place."""

import contextlib
import json
import os
import shutil
import socket
import subprocess

import pytest

from support import web
from support.master import UPSTREAM
from support.table_client import TableClient

TABLE = "0.3.13"
JSON = "application/json; charset=utf-8"
PAGE = "text/plain; version=0.0.4"


@pytest.fixture
def served(cluster):
    master = cluster.master()
    return master, TableClient(master.port, TABLE).setup()


def ask(master, path, method="GET", body=None):
    """(status, parsed JSON); the type must be JSON's."""
    status, headers, answer = web.request(master.admin(path), method, body)
    assert headers["Content-Type"] == JSON, answer
    return status, json.loads(answer)


def failure(code, name):
    return {"success": False, "error_code": code, "error_message": name}


def same_but_message(answer, code):
    """An error whose text is for people: only its shape and code are held."""
    assert answer.keys() == failure(code, "").keys() and answer["error_message"]
    return (answer["success"], answer["error_code"]) == (False, code)


# ---- objects ----

def test_batch_query_keys(served):
    master, client = served
    client.put("a b", 1000)
    client.put('q"ü', 10)
    client.start("unfinished", 100)
    path = "/batch_query_keys?keys=unfinished,a%20b,nope,q%22%C3%BC,a%20b"
    status, answer = ask(master, path)
    assert status == 200 and answer["success"] is True
    absent = {"disk_values": None, "local_disk_values": None, "nof_values": None}
    assert answer["data"].keys() == {"a b", "nope", 'q"ü', "unfinished"}
    assert answer["data"]["nope"] == {
        "ok": False, "error": "OBJECT_NOT_FOUND", "values": None, **absent}
    assert answer["data"]["unfinished"] == {
        "ok": False, "error": "REPLICA_IS_NOT_READY", "values": None, **absent}
    found = answer["data"]["a b"]
    (buffer,) = found.pop("values")
    assert found == {"ok": True, "error": None, **absent}
    assert buffer.keys() == {"size_", "buffer_address_", "protocol_", "transport_endpoint_"}
    assert (buffer["size_"], buffer["transport_endpoint_"]) == (1000, client.name.decode())


def test_batch_query_keys_without_keys(served):
    master, _ = served
    for path in ("/batch_query_keys", "/batch_query_keys?keys="):
        status, answer = ask(master, path)
        assert status == 400 and answer["success"] is False and answer["error"]


def test_query_key_of_an_unfinished_object(served):
    master, client = served
    client.start("unfinished", 100)
    assert ask(master, "/query_key?key=unfinished") == (404, failure(-703, "REPLICA_IS_NOT_READY"))
    assert ask(master, "/query_key") == (404, failure(-704, "OBJECT_NOT_FOUND"))


@pytest.mark.ours
def test_keys_that_are_no_text(served):
    """Upstream's master answers with bytes that no JSON parser takes."""
    master, client = served
    assert client.rpc.call("PutStart", uuid=[client.id], string=[b"\xff\xc3"], u64=[10, 1])
    status, answer = ask(master, "/batch_query_keys?keys=%FF%C3")
    assert status == 200 and list(answer["data"]) == ["\ufffd\ufffd"]
    assert answer["data"]["\ufffd\ufffd"]["error"] == "REPLICA_IS_NOT_READY"


def test_remove_all(served):
    master, client = served
    for key in ("a", "b", "c"):
        client.put(key, 100)
    client.get("b", 100)
    url = "/api/v1/remove_all"
    assert ask(master, url + "?force=false", "POST") == (200, {"success": True, "removed_count": 2})
    assert ask(master, url, "POST") == (200, {"success": True, "removed_count": 0})
    assert ask(master, url + "?force=yes", "POST") == (200, {"success": True, "removed_count": 0})
    assert ask(master, url + "?force=true&tenant_id=default", "POST") == (
        200, {"success": True, "removed_count": 1})
    assert web.text(master.admin("/get_all_keys")) == ""


@pytest.mark.ours
def test_remove_all_of_a_tenant(served):
    """Upstream's master without tenants removes the objects of all, whichever is named."""
    master, client = served
    client.put("a", 100)
    assert ask(master, "/api/v1/remove_all?force=true&tenant_id=other", "POST") == (
        409, failure(-1011, "UNAVAILABLE_IN_CURRENT_MODE"))
    assert client.exist(["a"]) == [True]


# ---- segments ----

def test_query_segment(served):
    master, client = served
    client.put("a", 1000)
    name = client.name.decode()
    status, headers, body = web.request(master.admin(f"/query_segment?segment={name}"))
    assert (status, headers["Content-Type"]) == (200, PAGE)
    assert body.decode() == f"{name}\nUsed(bytes): 1000\nCapacity(bytes) : {len(client.memory)}\n"
    for path in ("/query_segment?segment=nobody", "/query_segment"):
        assert web.request(master.admin(path))[0] == (500 if UPSTREAM else 404)


def test_segment_status(served):
    master, client = served
    name = client.name.decode()
    url = "/api/v1/segments/status"
    assert ask(master, f"{url}?segment={name}") == (200, {
        "success": True, "segment": name, "status": 1, "status_name": "OK", "error_code": 0,
        "error_message": ""})
    assert ask(master, url + "?segment=nobody") == (404, failure(-101, "SEGMENT_NOT_FOUND"))
    for path in (url, url + "?segment="):
        status, answer = ask(master, path)
        assert status == 400 and same_but_message(answer, -600)


def test_segments_detail_in_numbers(served):
    master, client = served
    client.put("a", 1048)
    (segment,) = ask(master, "/get_segments_detail")[1]["segments"]
    assert segment["size_human"] == "0.00390625 GiB"
    assert segment["allocator_used_bytes"] == 1048
    assert segment["allocator_usage_percent"] == pytest.approx(100 * 1048 / (4 << 20))


# ---- drain jobs; test_drain.py has some at work ----

JOBS = "/api/v1/drain_jobs"


def order(master, **members):
    return ask(master, JOBS, "POST", json.dumps(members).encode())


def test_life_of_a_drain_job(served):
    master, client = served
    client.put("a", 100)
    name = client.name.decode()
    status, made = order(master, segments=[name], max_concurrency=2, unknown=1)
    job = made["job_id"]
    assert (status, made) == (200, {"success": True, "job_id": job, "status": "CREATED",
                                    "error_code": 0, "error_message": ""})
    status, told = ask(master, f"{JOBS}/query?job_id={job}")
    assert status == 200 and told["message"]
    assert told["created_at_ms_epoch"] <= told["last_updated_at_ms_epoch"]
    assert told["status_name"] in ("CREATED", "RUNNING") and told["status"] in (0, 2)
    assert {key: told[key] for key in told if key not in (
        "created_at_ms_epoch", "last_updated_at_ms_epoch", "message", "status", "status_name",
        "blocked_units")} == {
            "success": True, "job_id": job, "type": 0, "type_name": "DRAIN", "segments": [name],
            "succeeded_units": 0, "failed_units": 0, "active_units": 0, "migrated_bytes": 0,
            "error_code": 0, "error_message": ""}
    assert told["blocked_units"] in (0, 1)
    unavailable = (409, failure(-1010, "UNAVAILABLE_IN_CURRENT_STATUS"))
    assert order(master, segments=[name]) == unavailable
    assert ask(master, f"/api/v1/segments/status?segment={name}")[1]["status_name"] == "DRAINING"
    assert ask(master, f"{JOBS}/cancel?job_id={job}", "POST") == (200, {
        "success": True, "job_id": job, "status": "CANCELED", "error_code": 0,
        "error_message": ""})
    assert ask(master, f"{JOBS}/cancel?job_id={job}", "POST") == unavailable
    assert ask(master, f"{JOBS}/query?job_id={job}")[1]["status_name"] == "CANCELED"


def test_orders_of_drain_jobs_that_cannot_be(served):
    master, client = served
    name = client.name.decode()
    for members in ({}, {"segments": []}, {"segments": name}, {"segments": [1]},
                    {"segments": [name, name]}, {"segments": [name], "target_segments": [name]},
                    {"segments": [name], "max_concurrency": 0},
                    {"segments": [name], "max_concurrency": -1}):
        status, answer = order(master, **members)
        assert status == 400 and same_but_message(answer, -600), members
    missing = (404, failure(-101, "SEGMENT_NOT_FOUND"))
    assert order(master, segments=["nobody"]) == missing
    assert order(master, segments=[name], target_segments=["nobody"]) == missing
    assert ask(master, JOBS, "POST", b"x")[0] == 400
    for job in ("", "?job_id=", "?job_id=1", "?job_id=x-y"):
        for path, method in (("/query", "GET"), ("/cancel", "POST")):
            status, answer = ask(master, JOBS + path + job, method)
            assert status == 400 and same_but_message(answer, -600)
    unknown = (404, failure(-1402, "JOB_NOT_FOUND"))
    assert ask(master, JOBS + "/query?job_id=1-2") == unknown
    assert ask(master, JOBS + "/cancel?job_id=1-2", "POST") == unknown


# ---- what is off ----

def test_kv_events(served):
    master, _ = served
    assert ask(master, "/kv_events/status") == (200, {
        "enabled": False, "published_batches": 0, "published_events": 0, "dropped_events": 0,
        "skipped_unparsed_keys": 0})


def test_tenant_quotas(served):
    master, _ = served
    url = "/api/v1/tenant_quotas"
    off = (409, failure(-1011, "UNAVAILABLE_IN_CURRENT_MODE"))
    assert ask(master, url) == off
    assert ask(master, url + "?tenant_id=a") == off
    assert ask(master, url + "?tenant_id=a", "DELETE") == off
    assert ask(master, url + "?tenant_id=a", "PUT", b'{"requested_quota_bytes":1}') == off
    for path, method, body in ((url, "PUT", b'{"requested_quota_bytes":1}'), (url, "DELETE", None),
                               (url + "?tenant_id=a", "PUT", b"{}"),
                               (url + "?tenant_id=a", "PUT", b"x"),
                               (url + "?tenant_id=a", "PUT", b'{"requested_quota_bytes":0}')):
        status, answer = ask(master, path, method, body)
        assert status == 400 and same_but_message(answer, -600)


# ---- methods ----

def test_unknown_paths(served):
    master, _ = served
    assert web.request(master.admin("/nothing"))[::2] == (404, b"404 Not Found")
    assert web.request(master.admin("/api/v1/nothing"), "POST", b"")[0] == 404


@pytest.mark.ours
def test_other_methods(served):
    """Upstream's master knows no 405 and no HEAD."""
    master, _ = served
    status, headers, _ = web.request(master.admin("/api/v1/tenant_quotas"), "POST", b"")
    assert (status, headers["Allow"]) == (405, "GET, PUT, DELETE")
    assert web.request(master.admin("/api/v1/remove_all"))[0] == 405
    status, headers, body = web.request(master.admin("/role"), "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "6", b"")


# ---- who may change things ----

def outside_address():
    """An address of this machine that is not of its loopback; None if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            probe.connect(("192.0.2.1", 9))     # sends nothing
            return probe.getsockname()[0]
    return None


def post_from(master, source):
    """A remove_all whose request comes from @source."""
    done = subprocess.run(
        [shutil.which("curl"), "-sS", "--max-time", "10", "--interface", source, "-X", "POST",
         "-w", "\n%{http_code}", f"http://{source}:{master.metrics_port}/api/v1/remove_all"],
        capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.ours
def test_writes_from_elsewhere_are_refused(cluster):
    source = outside_address()
    if source is None:
        pytest.skip("this machine has only its loopback")
    strict = cluster.master()
    status, answer = post_from(strict, source)
    assert status == 403 and same_but_message(answer, -601)
    assert "-admin_remote_writes" in answer["error_message"]
    assert web.text(f"http://{source}:{strict.metrics_port}/role") == "leader"
    assert post_from(strict, "127.0.0.2")[0] == 200
    free = cluster.master(flags=["-admin_remote_writes"])
    assert post_from(free, source) == (200, {"success": True, "removed_count": 0})


@pytest.mark.ours
def test_writes_over_ipv6_loopback(cluster):
    if not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    master = cluster.master(flags=["-metrics_host=::"])
    for host in ("[::1]", "127.0.0.1"):
        url = f"http://{host}:{master.metrics_port}/api/v1/remove_all"
        assert web.request(url, "POST", b"")[0] == 200
