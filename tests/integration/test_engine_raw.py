# SPDX-License-Identifier: Apache-2.0
"""Our engine against peers of plain Python (support/raw_peer.py): what is on the wire, and peers
that stall, drip, lie and break off, in both roles."""

import json
import socket
import struct
import time

import pytest

from support import processes, raw_peer
from support.engine_node import MIB
from support.master import ROOT
from support.pattern import pattern
from support.raw_peer import READ, REJECTED, V2, WRITE, End, header, proper, reset, status

REFUSED = "the peer has no such memory registered"
VECTORS = ROOT / "tests/vectors/transfer"


@pytest.fixture
def target(request):
    """target(answer=…): a segment of the test's; gone with the test."""
    made = []

    def make(**options):
        made.append(raw_peer.Target(**options))
        return made[-1]
    yield make
    for one in made:
        one.close()


def opened(nodes, peer, size=MIB, **options):
    """Our node as initiator: node, segment, and local memory filled with salt 9."""
    node = nodes(**options)
    local = node.memory(size)
    node.fill(local, size, 9)
    return node, node.open(peer.segment), local


# ---- as initiator: what it sends ----

@pytest.mark.parametrize("version", [2, 1])
def test_requests_on_the_wire(nodes, target, version):
    peer = target(version=version)
    peer.memory[:] = pattern(MIB, 1)
    node, segment, local = opened(nodes, peer)
    for at, size in ((0, 1), (5, 4096), (0, MIB), (MIB - 7, 7)):
        node.moves(segment, "read", [peer.addr + at, local + at, size])
        assert node.wrong(local + at, size, 1 + at) is None
    assert peer.headers == [header(size, peer.addr + at, READ | (V2 if version == 2 else 0))
                            for at, size in ((0, 1), (5, 4096), (0, MIB), (MIB - 7, 7))]
    peer.headers.clear()
    node.fill(local, MIB, 2)
    node.moves(segment, "write", [peer.addr, local, MIB])
    assert peer.memory == pattern(MIB, 2)
    assert peer.headers == [header(MIB, peer.addr, WRITE | (V2 if version == 2 else 0))]
    # nothing to move, nothing to send
    node.moves(segment, "read", [peer.addr, local, 0])
    assert len(peer.headers) == 1


@pytest.mark.parametrize("version", [2, 1])
def test_many_requests_need_few_connections(nodes, target, version):
    peer = target(version=version)
    peer.memory[:] = pattern(MIB, 1)
    node, segment, local = opened(nodes, peer)
    node.moves(segment, "read", *([peer.addr + i * 4096, local + i * 4096, 4096]
                                  for i in reversed(range(256))))
    assert node.wrong(local, MIB, 1) is None
    # those of version 1 carry one request each: some are still ending
    assert version == 1 or peer.most_connections <= 8


def test_host_of_the_descriptor_or_of_the_name(nodes, target):
    """Older releases do not publish tcp_data_host."""
    peer = target(fields={"tcp_data_host": None, "rdma_server_name": None})
    node, segment, local = opened(nodes, peer)
    node.moves(segment, "write", [peer.addr, local, MIB])
    assert peer.memory == pattern(MIB, 9)


# ---- as initiator: peers that misbehave once ----

def _header_and_gone(request):
    raise End


def _reset(request):
    reset(request.sock)
    raise End


def _half_a_status(request):
    request.send(status()[:5])
    raise End


def _half_a_body(request):
    if request.write:
        request.take_body(request.size // 2)
    else:
        request.status()
        request.send(bytes(request.size // 2))
    raise End


def _wrong_magic(request):
    request.send(status(magic=b"VTCN"))


def _legacy(request):
    """As a peer of version 1 that was promised to have 2: no status, and bytes that are none."""
    request.send(b"\0" * 8 + bytes(request.bytes()))


def _unknown_code(request):
    request.send(status(7))
    raise End


def _too_much(request):
    """An answer, and bytes behind it that nobody asked for."""
    proper(request)
    request.send(b"surprise")


ONCE = {"closes": _header_and_gone, "resets": _reset, "half a status": _half_a_status,
        "half a body": _half_a_body, "wrong magic": _wrong_magic, "legacy": _legacy,
        "unknown code": _unknown_code, "too much": _too_much}


def once(answer):
    left = [answer]

    def choose(request):
        (left.pop() if left else proper)(request)
    return choose


@pytest.mark.parametrize("op", ["read", "write"])
@pytest.mark.parametrize("fault", ONCE)
def test_one_bad_answer(nodes, target, fault, op):
    """One bad answer costs a connection; the transfers are done by another."""
    peer = target(answer=once(ONCE[fault]))
    peer.memory[:] = pattern(MIB, 1)
    node, segment, local = opened(nodes, peer)
    node.moves(segment, op, *([peer.addr + i * 65536, local + i * 65536, 65536]
                              for i in range(16)), timeout_ms=5000)
    if op == "read":
        assert node.wrong(local, MIB, 1) is None
    else:
        assert peer.memory == pattern(MIB, 9)
    # and nothing of the fault is left
    node.fill(local, MIB, 3)
    node.moves(segment, "write", [peer.addr, local, MIB])
    assert peer.memory == pattern(MIB, 3)


@pytest.mark.parametrize("fault", [name for name in ONCE if name != "too much"])
def test_always_bad_answers(nodes, target, fault):
    """It ends, long before the deadline, and not in success."""
    peer = target(answer=ONCE[fault])
    node, segment, local = opened(nodes, peer)
    done = node.transfer(segment, "write", [[peer.addr, local, MIB]], 20000)
    assert done["status"] in ("connection closed", "protocol error", "input/output error",
                              "unreachable"), done
    assert done["ms"] < 10000, done
    peer.answer = proper
    processes.wait_until(
        lambda: node.transfer(segment, "write", [[peer.addr, local, MIB]], 3000)["status"] == "ok",
        10, "that the peer is used again")
    assert peer.memory == pattern(MIB, 9)


def test_rejected(nodes, target):
    """What a target rejects is asked for once more, behind a look at its buffers; the neighbours
    in the batch are done."""
    peer = target()
    peer.memory[:] = pattern(MIB, 1)
    node, segment, local = opened(nodes, peer, 2 * MIB)
    requests = [[peer.addr + i * 4096, local + i * 4096, 4096] for i in range(32)]
    requests[5][0] = peer.addr + MIB - 1
    done = node.transfer(segment, "read", requests)
    assert [(i, s) for i, s in enumerate(done["statuses"]) if s != "ok"] == [(5, REFUSED)]
    assert node.wrong(local + 6 * 4096, 26 * 4096, 1 + 6 * 4096) is None


# ---- as initiator: deadlines ----

def _stall_at_once(request):
    request.target.stall()
    proper(request)


def _stall_behind_the_status(request):
    request.status()
    request.target.stall()
    request.send(request.bytes())


def _stall_in_the_body(request):
    if request.write:
        body = request.take_body(request.size // 2)
        request.target.stall()
        request.take_body(request.size - len(body))
        request.status()
    else:
        request.status()
        request.send(request.bytes()[:request.size // 2])
        request.target.stall()
        request.send(request.bytes()[request.size // 2:])


def _drip(request):
    """Ever something, never all."""
    request.status()
    raw_peer.drip(request.sock, request.bytes(), 1000)


STALLS = {"at once": _stall_at_once, "behind the status": _stall_behind_the_status,
          "in the body": _stall_in_the_body, "drips": _drip}


@pytest.mark.parametrize("inline", [False, True], ids=["lcore", "inline"])
@pytest.mark.parametrize("fault", STALLS)
def test_reads_end_at_their_deadline(nodes, target, fault, inline):
    peer = target(answer=STALLS[fault], size=8 * MIB)
    node, segment, local = opened(nodes, peer, 8 * MIB, inline=inline)
    done = node.transfer(segment, "read", [[peer.addr, local, 8 * MIB]], 1000)
    assert done["status"] == "timed out", done
    assert 1000 <= done["ms"] < 1300, done
    # the memory is the caller's again: what the peer has still to say must not go there
    node.fill(local, 8 * MIB, 4)
    peer.memory[:] = pattern(8 * MIB, 5)
    peer.answer = proper
    peer.released.set()
    time.sleep(0.3)
    assert node.wrong(local, 8 * MIB, 4) is None
    node.moves(segment, "read", [peer.addr, local, 8 * MIB])
    assert node.wrong(local, 8 * MIB, 5) is None


@pytest.mark.parametrize("fault", ["at once", "in the body"])
def test_writes_end_at_their_deadline(nodes, target, fault):
    peer = target(answer=STALLS[fault], size=32 * MIB)
    node, segment, local = opened(nodes, peer, 32 * MIB)
    done = node.transfer(segment, "write", [[peer.addr, local, 32 * MIB]], 700)
    assert done["status"] == "timed out" and 700 <= done["ms"] < 1000, done
    peer.answer = proper
    peer.released.set()
    node.moves(segment, "write", [peer.addr, local, 32 * MIB])
    assert peer.memory == pattern(32 * MIB, 9)


def test_each_batch_has_its_deadline(nodes, target):
    """Many under way to a peer that stalls, each ends in its time; later ones work when it does."""
    peer = target(answer=_stall_at_once)
    node, segment, local = opened(nodes, peer)
    times = [300, 900, 500, 1200, 700, 100, 1500, 1100]
    batches = [node.do("begin", segment=segment, op="read", timeout_ms=ms,
                       requests=[[peer.addr, local, 65536]] * 4) for ms in times]
    for ms, batch in sorted(zip(times, batches)):
        done = node.do("await", batch=batch)
        assert set(done["statuses"]) == {"timed out"}, done
        assert ms <= done["ms"] < ms + 300, (ms, done)
    peer.answer = proper
    peer.released.set()
    node.moves(segment, "read", [peer.addr, local, MIB])


def test_a_deadline_ends_only_its_own(nodes, target):
    """Of two on one connection the one ends; the other, begun anew, is done."""
    slow = [True]

    def answer(request):
        if request.at == 0 and slow:
            slow.clear()
            request.target.stall()
        proper(request)
    peer = target(answer=answer)
    peer.memory[:] = pattern(MIB, 1)
    node, segment, local = opened(nodes, peer)
    soon = node.do("begin", segment=segment, op="read", timeout_ms=400,
                   requests=[[peer.addr, local, 4096]])
    late = node.do("begin", segment=segment, op="read", timeout_ms=8000,
                   requests=[[peer.addr + 4096, local + 4096, MIB - 4096]])
    assert node.do("await", batch=soon)["status"] == "timed out"
    done = node.do("await", batch=late)
    assert done["status"] == "ok" and done["ms"] < 3000, done
    assert node.wrong(local + 4096, MIB - 4096, 1 + 4096) is None


def test_a_peer_that_does_not_answer_handshakes(nodes, target):
    peer = target()
    peer.mute = True
    node = nodes()
    begin = time.monotonic()
    assert node.do("open", name=peer.segment, timeout_ms=500)["status"] == "timed out"
    assert 0.5 <= time.monotonic() - begin < 0.9
    peer.mute = False
    peer.released.set()
    local = node.memory(MIB)
    node.moves(node.open(peer.segment), "read", [peer.addr, local, MIB])


def test_a_port_that_does_not_answer_hinders_no_other(nodes, target):
    """Connecting to it neither fails nor ends, as to a host that is gone."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(3)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        gone = target(fields={"tcp_data_port": full.getsockname()[1]})
        good, another = target(), target()
        node, segment, local = opened(nodes, good)
        node.moves(segment, "read", [good.addr, local, MIB])
        batch = node.do("begin", segment=node.open(gone.segment), op="read", timeout_ms=2000,
                        requests=[[gone.addr, local, 4096]])
        for _ in range(20):
            done = node.transfer(segment, "read", [[good.addr, local, 65536]], 3000)
            assert done["status"] == "ok" and done["ms"] < 300, done
        begin = time.monotonic()
        node.moves(node.open(another.segment), "read", [another.addr, local, MIB])
        assert time.monotonic() - begin < 2
        done = node.do("await", batch=batch)
        assert done["status"] == "timed out" and 2000 <= done["ms"] < 2300, done
        for sock in waiting:
            sock.close()


def test_many_peers(nodes, target):
    peers = [target(size=65536) for _ in range(40)]
    node, _, local = opened(nodes, peers[0], 40 * 65536)
    segments = [node.open(peer.segment) for peer in peers]

    def all_read():
        batches = [node.do("begin", segment=segments[i], op="read", timeout_ms=5000,
                           requests=[[peer.addr, local + i * 65536, 65536]])
                   for i, peer in enumerate(peers)]
        return [node.do("await", batch=batch) for batch in batches]
    for i, peer in enumerate(peers):
        peer.memory[:] = pattern(65536, i)
    assert {done["status"] for done in all_read()} == {"ok"}
    assert [i for i in range(40) if node.wrong(local + i * 65536, 65536, i) is not None] == []
    for peer in peers[::2]:
        peer.close()
    for i, done in enumerate(all_read()):
        assert (done["status"] == "ok") == (i % 2 == 1), (i, done)
        assert done["ms"] < 3000, (i, done)


@pytest.mark.parametrize("fields, expected", [
    ({"buffers": []}, "ok"), ({"tcp_data_host": "localhost"}, "ok"), ({"name": None}, "ok"),
    ({"tcp_proto_version": 3}, "ok"), ({"extra": {"a": [1]}}, "ok"),
    ({"protocol": "rdma", "devices": [], "priority_matrix": {}}, "not supported"),
    ({"tcp_data_port": 0}, "not supported"),
    ({"protocol": "carrier pigeon"}, "message does not decode"),
    ({"protocol": ["tcp"]}, "message does not decode"),
    ({"tcp_data_port": "1"}, "message does not decode"),
    ({"tcp_data_port": 70000}, "message does not decode"),
    ({"buffers": [{"name": "", "addr": 1, "length": 1}]}, "message does not decode"),
], ids=str)
def test_descriptors(nodes, target, fields, expected):
    peer, node = target(fields=fields), nodes()
    local = node.memory(4096)
    made = node.do("open", name=peer.segment, timeout_ms=3000)
    assert made["status"] == expected
    if expected == "ok":
        node.moves(made["segment"], "read", [peer.addr, local, 4096])


# ---- as initiator: peers that come back ----

def test_old_addresses_are_never_asked_of_a_new_process(nodes, target):
    """Same handshake port, other memory: what was under way or meant the old one fails."""
    peer = target(answer=_stall_at_once)
    node, segment, local = opened(nodes, peer)
    batch = node.do("begin", segment=segment, op="read", timeout_ms=8000,
                    requests=[[peer.addr + i * 4096, local, 4096] for i in range(16)])
    processes.wait_until(lambda: peer.headers, 5, "a request")
    peer.close()
    anew = target(port=peer.port, addr=0x7e0000000000)
    anew.memory[:] = pattern(MIB, 6)
    done = node.do("await", batch=batch)
    assert "ok" not in done["statuses"] and done["ms"] < 8000, done
    assert anew.headers == []
    # who asks for an old address from now on is told so
    processes.wait_until(
        lambda: node.transfer(segment, "read", [[peer.addr, local, 1]], 3000)["status"] == REFUSED,
        5, "that the new process is asked")
    node.moves(segment, "read", [anew.addr, local, MIB])
    assert node.wrong(local, MIB, 6) is None


# ---- as target ----

@pytest.fixture
def served(nodes):
    """Our node as target: node, address of MIB bytes filled with salt 1."""
    node = nodes()
    addr = node.memory(MIB)
    node.fill(addr, MIB, 1)
    return node, addr


def test_recorded_initiator(nodes):
    """What an initiator sent to upstream's engine, sent to ours: the answers are the same."""
    node = nodes()
    base = node.memory(2 * MIB, host=True)
    with open(VECTORS / "py_initiator_p2p.jsonl") as lines:
        records = [json.loads(line) for line in lines][1:]
    described = json.loads(bytes.fromhex(records[1]["hex"])[9:])
    recorded = described["buffers"][0]
    peer, compared = None, 0
    for i, record in enumerate(records):
        if record["meaning"] != "data header":
            continue
        size, addr, opcode, padding = raw_peer.HEADER.unpack(bytes.fromhex(record["hex"]))
        if addr >= recorded["addr"] + recorded["length"] or addr < recorded["addr"]:
            continue
        answer = records[i + 1]
        if answer["meaning"] == "data header":
            continue                # the next of a row, answered as one
        peer = peer or raw_peer.Initiator(node.segment)
        peer.send(header(size, addr - recorded["addr"] + base, opcode, padding))
        if answer["meaning"] == "WRITE body":
            body = bytes.fromhex(answer["hex"])
            peer.send(body, bytes(size - len(body)))
            answer = records[i + 2]
        if "hex" in answer and answer["meaning"] == "status frame":
            expected = bytes.fromhex(answer["hex"])
            assert peer.take(8) == expected, (i, record)
            compared += 1
            if expected == status() and opcode & 0x7f != WRITE:
                peer.take(size)
            elif expected != status():
                assert peer.ended()
                peer = None
        elif answer["meaning"] == "READ body":
            assert len(peer.take(size)) == size
    assert compared >= 8


def test_every_kind_of_request_on_one_connection(served):
    node, addr = served
    with raw_peer.Initiator(node.segment) as peer:
        for version in (2, 1, 2):
            assert peer.read(addr + 3, 1000, version) == pattern(1000, 4)
        assert peer.write(addr, pattern(5000, 8)) == status()
        peer.write(addr + 5000, pattern(5000, 9), version=1)
        assert peer.read(addr, 10000) == pattern(5000, 8) + pattern(5000, 9)
        # opcodes without a meaning read, and padding has none
        assert peer.read(addr, 8, opcode=2) == pattern(8, 8)
        peer.send(header(8, addr, READ | V2, b"garbage"))
        assert peer.take(16) == status() + pattern(8, 8)


def test_requests_in_a_row_and_in_pieces(served):
    node, addr = served
    row = b"".join(header(1000, addr + i, READ | V2) for i in range(300))
    expected = b"".join(status() + pattern(1000, 1 + i) for i in range(300))
    with raw_peer.Initiator(node.segment) as peer:
        peer.send(row)
        time.sleep(0.05)
        assert peer.take(len(expected)) == expected
        raw_peer.drip(peer.sock, row[:240], 80, 0.001)
        assert peer.take(10080) == expected[:10080]
        body = pattern(30000, 7)
        raw_peer.drip(peer.sock, header(30000, addr, WRITE | V2) + body, 40, 0.002)
        assert peer.take(8) == status()
    assert node.wrong(addr, 30000, 7) is None


@pytest.mark.parametrize("version", [2, 1])
def test_requests_that_are_rejected(served, version):
    node, addr = served
    beside = node.memory(MIB)
    first, second = sorted([addr, beside])
    bits = V2 if version == 2 else 0
    for size, at in ((0, addr), (2, addr + MIB - 1), (1, addr - 1), (8, 16), (MIB + 1, addr),
                     (1 << 63, addr), ((1 << 64) - 1, addr), ((1 << 64) - addr, addr),
                     (second - first + 1, first)):
        for opcode in (READ, WRITE):
            with raw_peer.Initiator(node.segment) as peer:
                peer.send(header(size, at, opcode | bits))
                if version == 2:
                    assert peer.take(8) == status(REJECTED), (hex(size), hex(at), opcode)
                assert peer.ended(), (hex(size), hex(at), opcode)
    assert node.wrong(addr, MIB, 1) is None


def test_a_rejected_write_with_its_body(served):
    """The status arrives although the body is not read."""
    node, addr = served
    for size in (1, 1000, 100_000):
        with raw_peer.Initiator(node.segment) as peer:
            peer.send(header(size, 4096, WRITE | V2), bytes(size))
            assert peer.take(8) == status(REJECTED), size
            assert peer.ended()


def test_peers_that_break_off(served):
    """In every place; the bytes that came of a write may be there, no others."""
    node, addr = served
    write = header(100_000, addr, WRITE | V2)
    for cut in (b"", write[:1], write[:23], write, write + pattern(99_999, 1)):
        for end in ("close", "reset"):
            peer = raw_peer.Initiator(node.segment)
            peer.send(cut)
            reset(peer.sock) if end == "reset" else peer.sock.close()
    peer = raw_peer.Initiator(node.segment)
    peer.send(header(MIB, addr, READ | V2) * 20)    # and takes nothing of it
    reset(peer.sock)
    assert node.wrong(addr, MIB, 1) is None
    with raw_peer.Initiator(node.segment) as peer:
        assert peer.read(addr, MIB) == pattern(MIB, 1)


def test_slow_peers_do_not_hinder_others(served):
    node, addr = served
    slow = [raw_peer.Initiator(node.segment) for _ in range(30)]
    for i, peer in enumerate(slow):
        part = [header(MIB, addr, READ | V2) * 8,       # takes nothing of 8 MiB
                header(1000, addr + MIB // 2, WRITE | V2) + b"x",  # never sends the rest
                header(8, addr, READ)[:i % 24]][i % 3]
        peer.send(part)
    begin = time.monotonic()
    with raw_peer.Initiator(node.segment) as peer:
        for i in range(100):
            assert peer.read(addr + i, 1000) == pattern(1000, 1 + i)
    assert time.monotonic() - begin < 1
    # and is answered itself, when it goes on
    answer = slow[0].take(8 * (MIB + 8))
    assert len(answer) == 8 * (MIB + 8) and answer[:8] == status()
    slow[1].send(bytes(999))
    assert slow[1].take(8) == status()
    for peer in slow:
        peer.sock.close()


def test_memory_that_goes_under_a_write(served):
    """Once unregister() has returned nothing is written any more."""
    node, addr = served
    other = node.memory(MIB)
    with raw_peer.Initiator(node.segment) as peer:
        peer.send(header(MIB, other, WRITE | V2), bytes(1000))
        time.sleep(0.1)
        assert node.do("unregister", addr=other) == "ok"
        node.fill(other, MIB, 2)
        try:
            peer.send(bytes(MIB - 1000))
        except OSError:
            pass
        assert peer.take(8) != status()
        assert node.wrong(other, MIB, 2) is None
    with raw_peer.Initiator(node.segment) as peer:
        assert peer.read(addr, 1000) == pattern(1000, 1)
        assert peer.read(other, 1) == status(REJECTED)


# ---- the handshake channel of ours ----

def test_handshakes(nodes):
    node = nodes()
    addr = node.memory(MIB)
    described = raw_peer.ask(node.segment, raw_peer.METADATA, {})
    assert [described[k] for k in ("name", "protocol", "tcp_proto_version")] == [
        node.segment, "tcp", 2]
    assert [(b["addr"], b["length"]) for b in described["buffers"]] == [(addr, MIB)]
    note = {"name": "it\u00e9m", "notify_msg": "x" * 5000}
    assert raw_peer.ask(node.segment, raw_peer.NOTIFY, note) == {"name": "", "notify_msg":
                                                                 "success"}
    assert node.do("notes") == [["it\u00e9m", "x" * 5000]]
    assert raw_peer.ask(node.segment, raw_peer.PROBE, {}) == {"status": "success"}
    assert raw_peer.ask(node.segment, 0, {"local_nic_path": "a@b"})["reply_msg"] == ""


@pytest.mark.parametrize("data", [
    struct.pack("<Q", 0), struct.pack("<QB", 1 << 62, 1), struct.pack("<QB", (1 << 20) + 1, 1),
    raw_peer.frame(1, b"nope"), raw_peer.frame(1, b"[" * 100_000), raw_peer.frame(2, b"\xff{}"),
    raw_peer.frame(4, b"{}"), raw_peer.frame(0xfe, b"{}"), raw_peer.frame(1, b""),
], ids=["empty", "huge", "too long", "no json", "deep", "no text", "type 4", "type 254", "no body"])
def test_handshakes_that_are_none(nodes, data):
    node = nodes()
    assert raw_peer.exchange(node.segment, data) == b""
    assert raw_peer.ask(node.segment, raw_peer.PROBE, {}) == {"status": "success"}
