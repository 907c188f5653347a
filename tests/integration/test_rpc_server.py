# SPDX-License-Identifier: Apache-2.0
"""The RPC server against peers that break the rules, and what it costs the others: nothing."""

import contextlib
import json
import os
import random
import socket
import struct
import time

import pytest

from support import literal, web
from support.processes import cpu_seconds, rss_bytes
from support.rpc import VECTORS, Closed, Connection, header, tables
from support.table_client import TableClient

TABLE = tables()["0.3.13"]
READY = int(TABLE["ServiceReady"]["id"], 16)
PING = int(TABLE["Ping"]["id"], 16)
BODY_MAX = 64 << 20
IDLE_SECONDS = int(os.environ.get("MC_TEST_IDLE_SECONDS", "20"))


def frames(data, header_size, length_at):
    """Splits a stream into (header, body) pairs, as far as it goes; attachments are dropped."""
    while len(data) >= header_size:
        length, attached = struct.unpack_from("<II", data, length_at)
        yield data[:header_size], data[header_size:header_size + length]
        data = data[header_size + length + attached:]


def meaning(sent, got):
    """(sequence number, error code, decoded value) of each answer."""
    asked = {}
    for head, _ in frames(sent, 20, 12):
        seq, function_id = struct.unpack_from("<II", head, 4)
        asked[seq] = f"{function_id:08x}"
    by_id = {row["id"]: row for row in TABLE.values()}
    for head, body in frames(got, 16, 8):
        code, seq = head[2], struct.unpack_from("<I", head, 4)[0]
        row = by_id.get(asked.get(seq))
        if code or row is None:
            yield seq, code, literal.decode(bytes.fromhex("800c"), 0x9dcffa76, body)
        else:
            yield seq, code, literal.decode(bytes.fromhex(row["result_literal"]),
                                            int(row["result_hash"], 16), body)


def exchange(port, sent, expected_answers, closes, half_close):
    with Connection(port) as connection:
        connection.socket.sendall(sent)
        if half_close:
            connection.socket.shutdown(socket.SHUT_WR)
        got = b""
        for _ in range(expected_answers):
            head = connection.read(16)
            got += head + connection.read(struct.unpack_from("<I", head, 8)[0])
        if closes:
            assert connection.closed_by_peer(), "left open"
        else:
            assert_alive(connection)
        return got


def assert_alive(connection):
    sent = connection.send(READY)
    assert connection.receive()[:2] == (sent, 0)


CASES = [json.loads(line) for line in (VECTORS / "framing.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_recorded_behaviour(shared_master, case):
    """What upstream's master was seen to do with a frame, ours does."""
    sent, got = bytes.fromhex(case["sent"]), bytes.fromhex(case["got"])
    expected = list(meaning(sent, got))
    half_close = case["case"] in ("half_close", "partial_header", "partial_body")
    real = exchange(shared_master.port, sent, len(expected), case["after"] != "open", half_close)
    assert list(meaning(sent, real)) == expected


@pytest.fixture(scope="module")
def shared_master(module_cluster):
    return module_cluster.master()


def test_pipelined_thousand(shared_master):
    """In order, all of them."""
    with Connection(shared_master.port) as connection:
        connection.socket.sendall(b"".join(header(READY, 0, seq) for seq in range(1000)))
        answers = [connection.receive() for _ in range(1000)]
        assert [seq for seq, _, _ in answers] == list(range(1000))
        assert {code for _, code, _ in answers} == {0}


def test_one_byte_at_a_time(shared_master):
    with Connection(shared_master.port) as connection:
        for byte in header(READY, 0, 7):
            connection.socket.sendall(bytes([byte]))
        assert connection.receive()[0] == 7


def test_slow_senders(shared_master):
    """200 peers that never finish a header, and some that finish none of a body: others are served
    as if they were not there."""
    slow = [Connection(shared_master.port) for _ in range(200)]
    try:
        for i, connection in enumerate(slow):
            connection.socket.sendall(header(PING, 1000)[:1 + i % 30])
        with Connection(shared_master.port) as connection:
            start = time.monotonic()
            for _ in range(200):
                assert_alive(connection)
            assert time.monotonic() - start < 2
    finally:
        for connection in slow:
            connection.socket.close()


@pytest.mark.ours
def test_announced_length_costs_nothing(shared_master):
    """Memory grows with what came, not with what was announced."""
    before = rss_bytes(shared_master.pid)
    liars = [Connection(shared_master.port) for _ in range(100)]
    try:
        for liar in liars:
            liar.socket.sendall(header(PING, BODY_MAX) + bytes(1000))
        with Connection(shared_master.port) as connection:
            assert_alive(connection)
        assert rss_bytes(shared_master.pid) - before < 16 << 20
    finally:
        for liar in liars:
            liar.socket.close()


@pytest.mark.ours
def test_body_above_the_cap_closes(shared_master):
    for length in (BODY_MAX + 1, 0xffffffff):
        with Connection(shared_master.port) as connection:
            connection.socket.sendall(header(PING, length))
            assert connection.closed_by_peer()


@pytest.mark.ours
def test_body_at_the_cap_is_read(shared_master):
    """64 MiB of nonsense: refused as an argument, not as a frame."""
    with Connection(shared_master.port, timeout=30) as connection:
        connection.socket.sendall(header(PING, BODY_MAX, 3))
        for _ in range(BODY_MAX >> 20):
            connection.socket.sendall(bytes(1 << 20))
        assert connection.receive()[:2] == (3, 4)
        assert_alive(connection)


def mutated(chance, good):
    """A frame with some bytes changed, or cut, or nothing but noise."""
    kind = chance.randrange(3)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 200))
    data = bytearray(good)
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[:chance.randrange(1, len(data))] if kind == 1 else data)


def test_noise_costs_only_its_sender(shared_master):
    seed = int(os.environ.get("MC_TEST_SEED", random.randrange(1 << 32)))
    print(f"MC_TEST_SEED={seed}")
    chance = random.Random(seed)
    witness = TableClient(shared_master.port, "0.3.13").setup()
    # a call that takes no space: a size made of noise would rightly evict what the witness wrote
    body = witness.rpc.body("BatchPutRevoke", uuid=[(1, 2)],
                            vector_of_string=[[b"noise", b"more noise"]])
    good = header(int(TABLE["BatchPutRevoke"]["id"], 16), len(body), 1) + body
    for i in range(500):
        with Connection(shared_master.port) as connection:
            try:
                connection.socket.sendall(mutated(chance, good))
                connection.socket.shutdown(socket.SHUT_WR)
                while connection.socket.recv(4096):
                    pass
            except OSError:
                pass    # it may well have been closed on us
        if i % 50 == 0:
            assert witness.put(f"right/{i}", 100) == 0
            assert witness.get(f"right/{i}", 100) == "ok"
    assert witness.close()


@pytest.mark.ours
def test_peer_that_does_not_read(shared_master):
    """It asks and asks and takes no answer: it is not read from any more, memory stays bounded."""
    before = rss_bytes(shared_master.pid)
    with Connection(shared_master.port, timeout=1) as deaf:
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        burst = header(READY, 0) * 10_000
        try:
            for _ in range(500):
                deaf.socket.sendall(burst)
            raise AssertionError("100 MB of requests were taken without one answer read")
        except TimeoutError:
            pass
        with Connection(shared_master.port) as connection:
            assert_alive(connection)
        assert rss_bytes(shared_master.pid) - before < 64 << 20


def test_idle_timeout(cluster):
    """A connection that asked once and then fell silent is closed; one that never asked is not."""
    master = cluster.master(flags=["-rpc_conn_timeout_seconds=1"])
    with Connection(master.port) as silent, Connection(master.port) as asked:
        assert_alive(asked)
        start = time.monotonic()
        assert asked.closed_by_peer(timeout=5)
        assert time.monotonic() - start > 0.5
        assert_alive(silent)


# ---- lcores ----

def lcore_threads(pid):
    """{thread name: CPUs that it may run on} of a process's threads."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as status:
            fields = dict(line.split(":\t", 1) for line in status if ":\t" in line)
        found[fields["Name"].strip()] = fields["Cpus_allowed_list"].strip()
    return {name: cpus for name, cpus in found.items() if name.startswith("mc-lcore")}


@pytest.mark.ours
@pytest.mark.parametrize("cores", [[0], [0, 1], [1]], ids=str)
def test_one_pinned_thread_per_lcore(cluster, cores):
    if not set(cores) <= os.sched_getaffinity(0):
        pytest.skip(f"this process may not use CPUs {cores}")
    master = cluster.master(flags=["-l", ",".join(map(str, cores)), "-max_threads", "64"])
    assert sorted(lcore_threads(master.pid).values()) == [str(core) for core in cores]
    with contextlib.ExitStack() as open_at_once:
        connections = [open_at_once.enter_context(Connection(master.port)) for _ in range(8)]
        for connection in connections * 100:
            assert_alive(connection)
    calls = 800
    samples = web.metrics(master.admin("/metrics"))
    counted = {name: value for name, value in samples.items()
               if name.startswith("mc_lcore_rpc_calls_total")}
    assert len(counted) == len(cores), sorted(n for n in samples if n.startswith("mc_"))
    assert sum(counted.values()) == calls
    if len(cores) > 1:
        assert min(counted.values()) > 0, "one lcore did all the work"


@pytest.mark.ours
def test_idle_master_sleeps(cluster):
    """At most 1 % of a core with nothing to do. The time in CI is short; doc/testing.md has the
    command for the full minute."""
    master = cluster.master(metadata=True)
    before = cpu_seconds(master.pid)
    time.sleep(IDLE_SECONDS)
    used = cpu_seconds(master.pid) - before
    assert used <= 0.01 * IDLE_SECONDS, f"{used:.2f} s of CPU in {IDLE_SECONDS} s of idleness"
