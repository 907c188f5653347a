# SPDX-License-Identifier: Apache-2.0
"""BatchPutStartWait against a real master: puts that wait for space (doc/wire.md)."""

import time

import pytest

from support import literal, rpc
from support.literal import Err, Ok
from support.table_client import TableClient, buffers, number

MIB = 1 << 20
FULL = -200
SIZE = 60_000

# as BatchPutStart of 0.3.13, and a u64 more
ROW = dict(rpc.tables()["0.3.13"]["BatchPutStart"], id="115c5109", args_hash="a8655a02")
ROW["args_literal"] = ROW["args_literal"][:-2] + "04ff"


class Waiter(rpc.Client):
    """A client with a connection for waiting calls alone."""

    def __init__(self, port):
        super().__init__(port, "0.3.13")
        self.table = dict(self.table, BatchPutStartWait=ROW)
        self.id = (number(), number())

    def ask(self, keys, size, timeout_ms):
        values = {"uuid": [self.id], "vector_of_string": [[key.encode() for key in keys]],
                  "vector_of_u64": [[size] * len(keys)],
                  # of the config: replicas; then the time
                  "u64": [1, 0, 0, timeout_ms]}
        self.sent = self.connection.send(int(ROW["id"], 16),
                                         self.body("BatchPutStartWait", **values))

    def answer(self):
        seq, code, body = self.connection.receive()
        assert (seq, code) == (self.sent, 0)
        return literal.decode(bytes.fromhex(ROW["result_literal"]), int(ROW["result_hash"], 16),
                              body)

    def silent(self, seconds):
        self.connection.socket.settimeout(seconds)
        with pytest.raises(TimeoutError):
            self.connection.socket.recv(1)
        self.connection.socket.settimeout(10)


@pytest.fixture
def pool(cluster):
    """A master, and a client whose leased objects fill all of its memory."""
    master = cluster.master(flags=["-default_kv_lease_ttl=60000"])
    owner = TableClient(master.port, "0.3.13", size=MIB).setup()
    stored = []
    while owner.put(f"full/{len(stored)}", SIZE) == 0:
        stored.append(f"full/{len(stored)}")
        assert owner.exist(stored[-1:]) == [True]
    assert len(stored) * SIZE > 0.8 * MIB
    yield master, owner, stored
    owner.rpc.close()


def test_a_waiting_put_gets_the_space_of_a_removed_object(pool):
    master, owner, stored = pool
    first, second = Waiter(master.port), Waiter(master.port)
    first.ask(["a"], SIZE, 20_000)
    first.silent(0.3)
    second.ask(["b"], SIZE, 20_000)
    second.silent(0.3)
    for waiter, key, gone in ((first, "a", stored[3]), (second, "b", stored[5])):
        assert owner.remove(gone, force=True) == 0
        (started,) = waiter.answer()
        owner.place(buffers(started.value)[0], SIZE)
        assert waiter.call("PutEnd", uuid=[waiter.id], string=[key.encode()],
                           i32=[4]) == Ok(None)
        # not looked up: without a lease it is the one object that eviction may take


def test_the_time_ends_a_wait_and_nothing_else_waits(pool):
    master, owner, stored = pool
    waiter = Waiter(master.port)
    began = time.monotonic()
    waiter.ask(["a", stored[0]], SIZE, 700)
    assert owner.ping() == 1 and owner.exist(stored[:2]) == [True, True]
    assert time.monotonic() - began < 0.5
    assert waiter.answer() == [Err(FULL), Err(-705)]
    assert 0.65 < time.monotonic() - began < 3
    # the plain call, as upstream's clients know it
    assert owner.put("plain", SIZE) == FULL


@pytest.mark.parametrize("half", [False, True], ids=["closed", "half closed"])
def test_a_connection_that_ends_makes_room_for_the_next(pool, half):
    master, owner, stored = pool
    first, second = Waiter(master.port), Waiter(master.port)
    first.ask(["a"], SIZE, 20_000)
    first.silent(0.2)
    second.ask(["b"], SIZE, 20_000)
    second.silent(0.2)
    if half:
        first.connection.socket.shutdown(1)
        assert first.connection.closed_by_peer()
    first.close()
    time.sleep(0.2)
    assert owner.remove(stored[3], force=True) == 0
    (started,) = second.answer()
    assert isinstance(started, Ok)
    assert owner.exist(["a"]) == [False]


def test_a_master_that_stops_answers(cluster):
    master = cluster.master()
    TableClient(master.port, "0.3.13", size=MIB).setup()
    waiter = Waiter(master.port)
    keep = [f"k{i}" for i in range(15)]
    waiter.ask(keep, SIZE, 100)
    assert all(isinstance(each, Ok) for each in waiter.answer())
    waiter.ask([f"l{i}" for i in range(15)], SIZE, 20_000)
    waiter.silent(0.3)
    assert master.stop() == 0
    answer = waiter.answer()
    assert Err(FULL) in answer and all(each == Err(FULL) or isinstance(each, Ok)
                                       for each in answer)
