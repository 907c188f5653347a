# SPDX-License-Identifier: Apache-2.0
"""Drain jobs, ordered over the admin port and carried out by upstream's clients."""

import json

import pytest

from support import processes, web
from support.wheel import MIB

SIZE = 300_007
COUNT = 20


def post(master, path, body=b""):
    code, _, text = web.request(master.admin(path), "POST", body)
    return code, json.loads(text)


def look(master, job):
    return json.loads(web.text(master.admin(f"/api/v1/drain_jobs/query?job_id={job}")))


def status(master, segment):
    told = json.loads(web.text(master.admin(f"/api/v1/segments/status?segment={segment}")))
    return told["status_name"]


@pytest.fixture
def nodes(cluster):
    """A master, two clients with a segment each, and the names of these."""
    master = cluster.master()
    clients, names = [], []
    for name in ("stays", "goes"):
        clients.append(cluster.client(name=name).setup(master, segment=64 * MIB))
        names += [segment for segment in master.segments() if segment not in names]
    return master, clients, names


def over(master, job):
    processes.wait_until(lambda: look(master, job)["status_name"] not in ("CREATED", "RUNNING"), 60,
                         "the drain job is over")
    return look(master, job)


def test_a_drained_node_can_go(nodes):
    master, (stays, goes), names = nodes
    keys = [f"key{i}" for i in range(COUNT)]
    assert goes.do("put", keys=keys, size=SIZE,
                   config={"preferred_segment": names[1]}) == [0] * COUNT
    code, order = post(master, "/api/v1/drain_jobs",
                       json.dumps({"segments": [names[1]], "max_concurrency": 16}).encode())
    assert (code, order["success"]) == (200, True)
    told = over(master, order["job_id"])
    assert told["status_name"] == "SUCCEEDED", told
    assert told["succeeded_units"] == COUNT and told["failed_units"] == 0
    assert told["migrated_bytes"] == COUNT * SIZE and told["segments"] == [names[1]]
    assert status(master, names[1]) == "DRAINED" and status(master, names[0]) == "OK"
    goes.kill()
    assert stays.do("get", keys=keys, size=SIZE) == ["ok"] * COUNT


def test_an_order_that_cannot_be_is_refused(nodes):
    master, _, names = nodes
    for body, code, error in (({}, 400, -600), ({"segments": []}, 400, -600),
                              ({"segments": ["nobody"]}, 404, -101),
                              ({"segments": [names[0]] * 2}, 400, -600),
                              ({"segments": names[:1], "target_segments": names[:1]}, 400, -600),
                              ({"segments": names[:1], "max_concurrency": 0}, 400, -600)):
        got, answer = post(master, "/api/v1/drain_jobs", json.dumps(body).encode())
        assert (got, answer["error_code"]) == (code, error), body
    assert status(master, names[0]) == "OK"


def test_a_job_with_nowhere_to_go_can_be_cancelled(nodes):
    master, (_, goes), names = nodes
    assert goes.do("put", keys=["k"], size=SIZE, config={"preferred_segment": names[1]}) == [0]
    code, order = post(master, "/api/v1/drain_jobs", json.dumps({"segments": names}).encode())
    assert code == 200
    job = order["job_id"]
    processes.wait_until(lambda: look(master, job)["blocked_units"] == 1, 20, "nothing moves")
    again = json.dumps({"segments": names[:1]}).encode()
    assert post(master, "/api/v1/drain_jobs", again)[0] == 409
    code, answer = post(master, f"/api/v1/drain_jobs/cancel?job_id={job}")
    assert (code, answer["status"]) == (200, "CANCELED")
    assert [status(master, name) for name in names] == ["OK", "OK"]
    assert post(master, f"/api/v1/drain_jobs/cancel?job_id={job}")[0] == 409
    assert post(master, "/api/v1/drain_jobs/cancel?job_id=1-2")[0] == 404
