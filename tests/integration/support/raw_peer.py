# SPDX-License-Identifier: Apache-2.0
"""Both roles of the handshake and of the tcp data channel in plain Python, written from doc/wire.md
and not from our C: to look at what our engine sends, and to play peers that misbehave."""

import json
import socket
import struct
import threading
import time

HEADER = struct.Struct("<QQB7s")
READ, WRITE, V2 = 0, 1, 0x80
OK, REJECTED = 0, 1
METADATA, NOTIFY, PROBE = 1, 2, 3


def header(size, addr, opcode, padding=bytes(7)):
    return HEADER.pack(size, addr, opcode, padding)


def status(code=OK, magic=b"VTCM"):
    return struct.pack("<I", code) + magic


def take(sock, count):
    """Exactly so many bytes; fewer where the other side ended."""
    got = bytearray()
    while len(got) < count:
        try:
            chunk = sock.recv(min(count - len(got), 1 << 20))
        except ConnectionResetError:
            break
        if not chunk:
            break
        got += chunk
    return bytes(got)


def reset(sock):
    """Closes with a reset instead of an end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


# ---- handshake ----

def frame(kind, body):
    return struct.pack("<QB", 1 + len(body), kind) + body


def exchange(segment, data, timeout=10):
    """What a handshake listener answers to these bytes until it ends."""
    host, _, port = segment.rpartition(":")
    with socket.create_connection((host, int(port)), timeout) as sock:
        sock.sendall(data)
        answer = bytearray()
        while chunk := take(sock, 1 << 16):
            answer += chunk
        return bytes(answer)


def ask(segment, kind, document):
    answer = exchange(segment, frame(kind, json.dumps(document).encode() + b"\n"))
    length, answered = struct.unpack_from("<QB", answer)
    assert answered == kind and length == len(answer) - 8, answer
    return json.loads(answer[9:])


# ---- initiator ----

class Initiator:
    """One data connection to a segment (P2PHANDSHAKE)."""

    def __init__(self, segment, timeout=10):
        self.descriptor = ask(segment, METADATA, {})
        host = self.descriptor.get("tcp_data_host") or segment.rpartition(":")[0]
        where = (host, self.descriptor["tcp_data_port"])
        self.sock = socket.create_connection(where, timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, *parts):
        self.sock.sendall(b"".join(parts))

    def take(self, count):
        return take(self.sock, count)

    def read(self, addr, size, version=2, opcode=READ):
        """The bytes, or the status code when it is not OK; b"" without a status."""
        self.send(header(size, addr, opcode | (V2 if version == 2 else 0)))
        if version == 2:
            answer = self.take(8)
            if answer != status():
                return answer
        return self.take(size)

    def write(self, addr, data, version=2):
        """The status frame; nothing for version 1."""
        self.send(header(len(data), addr, WRITE | (V2 if version == 2 else 0)), data)
        return self.take(8) if version == 2 else None

    def ended(self):
        """Did the other side close?"""
        return self.take(1) == b""


# ---- target ----

class Request:
    """What came on a data connection, and the memory that is meant."""

    def __init__(self, target, sock, raw):
        self.target, self.sock, self.raw = target, sock, raw
        self.size, self.addr, self.opcode, self.padding = HEADER.unpack(raw)
        self.write, self.v2 = self.opcode & 0x7f == WRITE, self.opcode & V2 != 0
        self.at = self.addr - target.addr
        self.inside = self.size > 0 and 0 <= self.at and self.at + self.size <= len(target.memory)

    def send(self, data):
        self.sock.sendall(data)

    def take_body(self, count=None):
        return take(self.sock, self.size if count is None else count)

    def status(self, code=OK):
        if self.v2:
            self.send(status(code))

    def bytes(self):
        return self.target.memory[self.at:self.at + self.size]


class End(Exception):
    """The connection shall be closed."""


def proper(request):
    """What a peer should do."""
    if not request.inside:
        request.status(REJECTED)
        raise End
    if request.write:
        body = request.take_body()
        if len(body) < request.size:
            raise End
        request.target.memory[request.at:request.at + request.size] = body
        request.status()
    else:
        request.status()
        request.send(request.bytes())


class Target:
    """A segment that any engine can open: a handshake listener, a data listener, and memory at an
    address of its own. Each request is answered by answer(request); raw headers are kept."""

    def __init__(self, size=1 << 20, addr=0x7f0000000000, port=0, version=2, answer=proper,
                 fields=None):
        self.memory, self.addr, self.answer = bytearray(size), addr, answer
        self.version, self.fields = version, fields or {}
        self.headers, self.mute = [], False
        self.connections = self.most_connections = 0
        self.open_sockets, self.lock = set(), threading.Lock()
        self.released = threading.Event()
        self.listeners = [self._listen(port, self._handshake), self._listen(0, self._data)]
        self.port, self.data_port = (sock.getsockname()[1] for sock in self.listeners)
        self.segment = f"127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """All at once, as a process that dies."""
        with self.lock:
            sockets = [*self.listeners, *self.open_sockets]
        for sock in sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        self.released.set()

    def descriptor(self):
        made = {"name": self.segment, "protocol": "tcp", "tcp_data_port": self.data_port,
                "tcp_data_host": "127.0.0.1", "rdma_server_name": "",
                "timestamp": "2026-11-23 02:54:28.689695",
                "buffers": [{"name": self.segment, "addr": self.addr, "length": len(self.memory)}]}
        if self.version == 2:
            made["tcp_proto_version"] = 2
        made.update(self.fields)
        return {name: value for name, value in made.items() if value is not None}

    def stall(self, seconds=60):
        """Until close() or release; the answer of a peer that hangs."""
        self.released.wait(seconds)

    # ---- listeners and their connections, a thread each ----

    def _listen(self, port, serve):
        sock = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._accept, args=(sock, serve), daemon=True).start()
        return sock

    def _accept(self, listener, serve):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(sock, serve), daemon=True).start()

    def _run(self, sock, serve):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.open_sockets.add(sock)
        try:
            serve(sock)
        except (End, OSError):
            pass
        finally:
            with self.lock:
                self.open_sockets.discard(sock)
            sock.close()

    def _handshake(self, sock):
        if self.mute:
            self.stall()
        length, kind = struct.unpack("<QB", take(sock, 9))
        take(sock, length - 1)
        reply = {METADATA: self.descriptor(), NOTIFY: {"name": "", "notify_msg": "success"},
                 PROBE: {"status": "success"}}[kind]
        sock.sendall(frame(kind, json.dumps(reply).encode() + b"\n"))
        sock.shutdown(socket.SHUT_WR)
        take(sock, 1)

    def _data(self, sock):
        with self.lock:
            self.connections += 1
            self.most_connections = max(self.connections, self.most_connections)
        try:
            while len(raw := take(sock, HEADER.size)) == HEADER.size:
                self.headers.append(raw)
                self.answer(Request(self, sock, raw))
        finally:
            with self.lock:
                self.connections -= 1


def drip(sock, data, pieces, pause=0.01):
    """Sends in so many pieces, with a pause before each."""
    step = max(1, -(-len(data) // pieces))
    for at in range(0, len(data), step):
        time.sleep(pause)
        sock.sendall(data[at:at + step])
