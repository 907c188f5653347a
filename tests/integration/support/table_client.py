# SPDX-License-Identifier: Apache-2.0
"""A store client of any release on top of rpc.Client: a segment of its own memory, put and get by
the descriptors that the master hands out."""

import random

from .content import content, judge
from .literal import Err, Ok
from .rpc import Client

MEMORY = 0      # the alternative of a replica
NOT_FOUND, EXISTS, LEASED = -704, -705, -706


def replica_type(release):
    """What a client of the release ends its writes with: ALL from 0.3.11 on, before that MEMORY, as
    there was no ALL. The type literals are the same."""
    return 4 if int(release.split(".")[2]) >= 11 else 0


def number():
    return random.getrandbits(63)


def buffers(replicas):
    """(address, size, endpoint) of each buffer of the memory replicas of a list of descriptors."""
    return [buffer for replica in replicas for buffer in _memory_buffers(replica)]


def _memory_buffers(replica):
    index, memory = next(part for part in replica if isinstance(part, tuple))
    assert index == MEMORY, f"a replica of kind {index}"
    found = memory[0] if isinstance(memory[0], list) else [memory[0]]
    for buffer in found:
        numbers = [leaf for leaf in buffer if isinstance(leaf, int)]
        strings = [leaf for leaf in buffer if isinstance(leaf, bytes)]
        # 0.3.6 has the segment's name in front, all others the endpoint at the end
        yield numbers[1], numbers[0], strings[-1]


class TableClient:
    def __init__(self, port, release, short=False, size=4 << 20):
        self.rpc = Client(port, release, short)
        self.id, self.segment_id = (number(), number()), (number(), number())
        self.name = b"127.0.0.1:%d" % random.randrange(1, 65536)
        self.base = random.randrange(1 << 30, 1 << 40) << 6
        self.memory = bytearray(size)
        self.replica_type = replica_type(release)
        row = self.rpc.table["PutStart"]["args_literal"]
        self.sliced = "8404" in row[:14]     # 0.3.6 and 0.3.7: a list of slice lengths

    def segment(self):
        return {"uuid": [self.segment_id], "string": [self.name, self.name, b"tcp", b""],
                "u64": [self.base, len(self.memory)]}

    def setup(self):
        if self.rpc.has("ServiceReady"):
            assert self.rpc.call("ServiceReady") in (Ok(b"2.0.0"), Ok(None))
        if self.rpc.has("GetStorageConfig"):
            assert self.rpc.call("GetStorageConfig").value[0] == b""
        mount = self.segment()
        mount["uuid"] = [self.segment_id, self.id]
        assert self.rpc.call("MountSegment", **mount) == Ok(None)
        assert self.ping() == 2, "a client that only mounted is to mount again"
        again = {"vector_of_uuid": [[self.segment()]], "uuid": [self.id]}
        assert self.rpc.call("ReMountSegment", **again) == Ok(None)
        assert self.ping() == 1
        return self

    def ping(self):
        return self.rpc.call("Ping", uuid=[self.id]).value[1]

    def place(self, buffer, size):
        address, length, endpoint = buffer
        assert endpoint == self.name and length == size
        assert self.base <= address <= self.base + len(self.memory) - size
        return address - self.base

    def write(self, key, replicas, size):
        (buffer,) = buffers(replicas)
        at = self.place(buffer, size)
        self.memory[at:at + size] = content(key, size)

    def read(self, key, answer, size):
        replicas = answer if isinstance(answer, list) else answer[0]
        (buffer,) = buffers(replicas)
        at = self.place(buffer, size)
        return judge(bytes(self.memory[at:at + size]), key, size)

    def start(self, key, size):
        sizes = {"vector_of_u64": [[size]], "u64": [1]} if self.sliced else {"u64": [size, 1]}
        return self.rpc.call("PutStart", uuid=[self.id], string=[key.encode()], **sizes)

    def finish(self, key, function="PutEnd"):
        return self.rpc.call(function, uuid=[self.id], string=[key.encode()],
                             i32=[self.replica_type])

    def put(self, key, size):
        started = self.start(key, size)
        if isinstance(started, Err):
            return started.code
        self.write(key, started.value, size)
        assert self.finish(key) == Ok(None)
        return 0

    def get(self, key, size):
        answer = self.rpc.call("GetReplicaList", string=[key.encode()])
        return "miss" if answer == Err(NOT_FOUND) else self.read(key, answer.value, size)

    def put_batch(self, keys, size):
        names = [key.encode() for key in keys]
        started = self.rpc.call("BatchPutStart", uuid=[self.id], vector_of_string=[names],
                                vector_of_u64=[[size] * len(keys)], u64=[1])
        for key, each in zip(keys, started):
            self.write(key, each.value, size)
        ended = self.rpc.call("BatchPutEnd", uuid=[self.id], vector_of_string=[names],
                              i32=[self.replica_type])
        assert ended == [Ok(None)] * len(keys)

    def get_batch(self, keys, size):
        answers = self.rpc.call("BatchGetReplicaList",
                                vector_of_string=[[key.encode() for key in keys]])
        return ["miss" if each == Err(NOT_FOUND) else self.read(key, each.value, size)
                for key, each in zip(keys, answers)]

    def exist(self, keys):
        each = [self.rpc.call("ExistKey", string=[key.encode()]).value for key in keys]
        many = self.rpc.call("BatchExistKey", vector_of_string=[[key.encode() for key in keys]])
        assert [one.value for one in many] == each
        return each

    def remove(self, key, force=False):
        answer = self.rpc.call("Remove", string=[key.encode()], bool=[force])
        return 0 if answer == Ok(None) else answer.code

    def close(self):
        """Takes the segment away."""
        gone = self.rpc.call("UnmountSegment", uuid=[self.segment_id, self.id])
        self.rpc.close()
        return gone == Ok(None)
