# SPDX-License-Identifier: Apache-2.0
"""Recorded traffic (tests/vectors/master_rpc), sent again step by step and the answers compared.

Requests go out as they were recorded, but for the ids of tasks, which are the master's. Answers
must equal the recorded ones member by member, with these exceptions: an id that the recorded master
made (of a replica, of a task) is bound to the one that stands in its place at first sight, and must
be that one ever after; a replica keeps the address that it was first seen with, which must lie in
the segment at its endpoint; points in time must be of today."""

import collections
import json
import time

from . import literal, web
from .literal import EXPECTED, MAP, OPTIONAL, STRUCT, VARIANT, VECTOR, Err, Ok
from .master import NEWEST
from .rpc import UUID, VECTORS, Connection, tables

REPLICA = literal.parse(bytes.fromhex(
    "fd0486fdfd0404800c800cfffffdfd0404800c800cfffffd800c04fffdfd04048989ff04800cfffd800c04040401"
    "ffff01ff"))
TASK = literal.parse(bytes.fromhex("fdfd04048989ff01800c0302ff"))
TASK_STATE = literal.parse(bytes.fromhex("fdfd04048989ff01010303fd04048989ff800cff"))
CONFIG = literal.parse(bytes.fromhex("fd0404040685040b84800c800c84800c0b06800c8584800cff"))
MEMORY = 0
NAMES = {code: name for name, code in json.loads(
    (VECTORS / "error_codes.json").read_text()).items()}

Step = collections.namedtuple("Step", "number conn name function request answer")


def load(scenario):
    """The steps of a recording; their number counts from 1."""
    lines = (VECTORS / f"{scenario}.jsonl").read_text().splitlines()
    for number, line in enumerate(lines, 1):
        row = json.loads(line)
        yield Step(number, row.get("conn"), row["step"], row["func"],
                   bytes.fromhex(row["req_body"]), bytes.fromhex(row["resp_body"]))


def show(value):
    """An answer for people: names for codes, not too long."""
    if isinstance(value, Err):
        return f"error {NAMES.get(value.code, value.code)}"
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "…"


class Differs(Exception):
    pass


def _must_equal(want, got, what):
    if want != got:
        raise Differs(f"{what} is {show(got)}, not {show(want)}")


class Pool:
    """The segments that the requests so far have mounted."""

    def __init__(self):
        self.mounted = {}       # id: (name, base, size, endpoint)

    def follow(self, function, args, answer):
        if answer == Ok(None) and function in ("MountSegment", "ReMountSegment"):
            for segment in args[0] if function == "ReMountSegment" else [args[0]]:
                self.mounted[segment[0]] = segment[1:5]
        elif answer == Ok(None) and function == "UnmountSegment":
            self.mounted.pop(args[0], None)

    def names(self):
        return {name for name, *_ in self.mounted.values()}

    def holds(self, endpoint, address, size):
        return any(endpoint == at and base <= address <= base + length - size
                   for _, base, length, at in self.mounted.values())


class Judge:
    """Compares answers, and remembers what was bound."""

    def __init__(self, upsert_renews=False):
        self.upsert_renews = upsert_renews  # a replica that is written again gets another id
        self.pool = Pool()
        self.tasks, self.replicas, self.places = {}, {}, {}
        self.began = time.time()
        self.anywhere = self.renews = False

    def ours(self, kind, value):
        """A recorded argument, with the task ids of the master at hand."""
        if kind == UUID:
            return self.tasks.get(value, value)
        if kind.kind == STRUCT:
            return tuple(map(self.ours, kind.parts, value))
        if kind.kind == VECTOR:
            return [self.ours(kind.parts[0], each) for each in value]
        return value

    def compare(self, step, args, kind, want, got):
        """args: those of the request, as recorded. Raises Differs."""
        self.anywhere = self._placed_at_random(args)
        self.renews = self.upsert_renews and step.function in ("UpsertStart", "BatchUpsertStart")
        if step.function in ("CreateCopyTask", "CreateMoveTask"):
            if isinstance(want, Ok) and isinstance(got, Ok):
                self.tasks[want.value] = got.value
        self._value(kind, want, got, "the answer")

    def _placed_at_random(self, args):
        config = next((a for a in args if isinstance(a, tuple) and len(a) == len(CONFIG.parts)),
                      None)
        return bool(config and len(self.pool.names()) > 1 and not config[6] and not config[7])

    def _value(self, kind, want, got, what):
        if kind == REPLICA:
            self._replica(want, got, what)
        elif kind == UUID:
            _must_equal(self.tasks.get(want, want), got, what)
        elif kind in (TASK, TASK_STATE):
            self._task(kind, want, got, what)
        elif kind.kind in self.INNER:
            getattr(self, self.INNER[kind.kind])(kind, want, got, what)
        else:
            _must_equal(want, got, what)

    INNER = {EXPECTED: "_expected", VECTOR: "_vector", MAP: "_map", STRUCT: "_struct",
             OPTIONAL: "_optional", VARIANT: "_variant"}

    def _expected(self, kind, want, got, what):
        if isinstance(want, Err) or isinstance(got, Err):
            _must_equal(want, got, what)
        else:
            self._value(kind.parts[0], want.value, got.value, what)

    def _vector(self, kind, want, got, what):
        _must_equal(len(want), len(got), f"the length of {what}")
        if kind.parts[0] == REPLICA:
            got = self._paired(want, got)
        for i, (each, other) in enumerate(zip(want, got)):
            self._value(kind.parts[0], each, other, f"{what}[{i}]")

    def _paired(self, want, got):
        """Replicas that were placed at random come in any order: those of one name together."""
        def rank(replica, ids):
            endpoint = replica[1][1][0][3] if replica[1][0] == MEMORY else b""
            return ids.get(replica[0], 0), endpoint

        if len(got) < 2 or not (self.anywhere or all(w[0] in self.replicas for w in want)):
            return got
        known = {ours: theirs for theirs, ours in self.replicas.items()}
        by_rank = sorted(got, key=lambda replica: rank(replica, known))
        order = sorted(range(len(want)), key=lambda i: rank(want[i], {w: w for w in
                       self.replicas}))
        return [by_rank[order.index(i)] for i in range(len(want))]

    def _map(self, kind, want, got, what):
        _must_equal(set(want), set(got), f"the set of keys of {what}")
        for key in want:
            self._value(kind.parts[1], want[key], got[key], f"{what}[{key!r}]")

    def _struct(self, kind, want, got, what):
        for i, part in enumerate(kind.parts):
            self._value(part, want[i], got[i], f"{what}.{i}")

    def _optional(self, kind, want, got, what):
        if want is None or got is None:
            _must_equal(want, got, what)
        else:
            self._value(kind.parts[0], want, got, what)

    def _variant(self, kind, want, got, what):
        _must_equal(want[0], got[0], f"the kind of {what}")
        self._value(kind.parts[want[0]], want[1], got[1], what)

    def _replica(self, want, got, what):
        _must_equal(want[2], got[2], f"the status of {what}")
        _must_equal(want[1][0], got[1][0], f"the kind of {what}")
        if want[1][0] != MEMORY:
            _must_equal(want[1][1], got[1][1], what)
            return
        (size, _, protocol, endpoint), = want[1][1]
        (size_got, address, protocol_got, endpoint_got), = got[1][1]
        _must_equal((size, protocol), (size_got, protocol_got), f"size and protocol of {what}")
        if want[0] in self.places:
            endpoint = self.places[want[0]][0]
            _must_equal(self.places[want[0]], (endpoint_got, address), f"the place of {what}")
        elif not self.anywhere:
            _must_equal(endpoint, endpoint_got, f"the endpoint of {what}")
        if not self.pool.holds(endpoint_got, address, size):
            raise Differs(f"{what}: {size} bytes at {address:#x} are in no segment of "
                          f"{endpoint_got!r}")
        self.places[want[0]] = endpoint_got, address
        self._bind(want[0], got[0], what)

    def _bind(self, want, got, what):
        if want not in self.replicas or self.renews:
            if got in self.replicas.values():
                raise Differs(f"the id of {what} is {got}, which another replica has")
            self.replicas[want] = got
        _must_equal(self.replicas[want], got, f"the id of {what}")

    def _task(self, kind, want, got, what):
        times = [i for i, part in enumerate(kind.parts) if part.kind == 0x03]
        for i in times:
            if not self.began - 1 <= got[i] / 1000 <= time.time() + 1:
                raise Differs(f"{what}: {got[i]} is not of now")
        for i, part in enumerate(kind.parts):
            if i not in times:
                self._value(part, want[i], got[i], f"{what}.{i}")


class Replay:
    """One recording on its way through a master."""

    def __init__(self, master, judge):
        self.master, self.judge = master, judge
        self.table = tables()[NEWEST]
        self.connections = {}

    def close(self):
        for connection in self.connections.values():
            connection.socket.close()
        self.connections.clear()

    def restart(self):
        """Another master process in the place of this one, with nothing of what it knew."""
        self.master.kill()
        self.close()
        self.master.start()
        self.judge.replicas.clear()
        self.judge.places.clear()

    def keys(self):
        """What the master lists of its keys."""
        return web.text(self.master.admin("/get_all_keys")).split()

    def _codec(self, function, part):
        row = self.table[function]
        text = row[f"{part}_literal"]
        return text and bytes.fromhex(text), int(row[f"{part}_hash"] or "0", 16)

    def args(self, step):
        form, digest = self._codec(step.function, "args")
        if not form:
            return None, ()
        return literal.parse(form), literal.decode(form, digest, step.request)

    def wanted(self, step):
        return literal.decode(*self._codec(step.function, "result"), step.answer)

    def send(self, step):
        """The arguments as recorded, and the answer of the master at hand."""
        kind, args = self.args(step)
        body = step.request
        if kind:
            codec = self._codec(step.function, "args")
            short = not (body[0] & 1 and body[4] & 4)       # without the type literal
            assert literal.encode(*codec, args, short) == body, "not what this codec writes"
            body = literal.encode(*codec, self.judge.ours(kind, args), short)
        connection = self.connections.get(step.conn)
        if connection is None:
            connection = self.connections[step.conn] = Connection(self.master.port)
        sent = connection.send(int(self.table[step.function]["id"], 16), body)
        seq, code, answer = connection.receive()
        if (seq, code) != (sent, 0):
            raise Differs(f"answer {seq} to request {sent} with code {code}: {answer!r}")
        got = literal.decode(*self._codec(step.function, "result"), answer)
        if kind == UUID or not isinstance(args, tuple):
            args = (args,)      # one argument stands without a struct around it
        self.judge.pool.follow(step.function, args, got)
        return args, got

    def compare(self, step, args, want, got):
        kind = literal.parse(self._codec(step.function, "result")[0])
        self.judge.compare(step, args, kind, want, got)

    def idle(self, seconds, ping=None):
        """Time passes; a client that pings with the step @ping stays alive."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if ping:
                self.send(ping)
            time.sleep(0.2)
