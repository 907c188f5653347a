# SPDX-License-Identifier: Apache-2.0
"""Mixed work of several threads on one wheel's store, for a time. Runs inside the wheel's
environment: standard library only.

Each key has one thread that writes it, and is read by all. A value tells whose it is: its key, its
size and the number of the write; so whoever reads it can judge every byte, and the writer also
whether it is the value that it wrote last. Writes in place (upserts of the same size) are read by
their writer alone: the protocol lets others read half of each."""

import ctypes
import hashlib
import mmap
import random
import struct
import threading
import time

from content import content

HEAD = struct.Struct("<4sIQ8s")
MAGIC = b"SOAK"
SIZES = (HEAD.size + 1, 1000, 4096 - 32, 30_000, 65_536)
BATCH = 8
NONE = -704     # no such key


def value_of(key, size, number):
    body = content(key, size - HEAD.size, str(number))
    return HEAD.pack(MAGIC, size, number, hashlib.blake2b(key.encode(), digest_size=8).digest()) \
        + body


def number_of(key, value):
    """The number of the write that a value is of; ValueError: what is wrong with it."""
    if len(value) < HEAD.size:
        raise ValueError(f"{key}: only {len(value)} bytes")
    magic, size, number, _ = HEAD.unpack_from(value)
    if magic != MAGIC or size != len(value):
        raise ValueError(f"{key}: {len(value)} bytes that begin with {bytes(value[:24]).hex()}")
    if bytes(value) != value_of(key, size, number):
        raise ValueError(f"{key}: {size} bytes are not those of write {number}")
    return number


class Worker(threading.Thread):
    def __init__(self, store, name, others, keys, seconds):
        super().__init__(name=name)
        self.store, self.others = store, others
        self.random = random.Random(name)
        self.changing = [f"{name}/c{i}" for i in range(keys)]
        self.in_place = [f"{name}/p{i}" for i in range(keys // 4)]
        self.may_be = {}    # key: the writes that it may hold; a miss is always possible
        self.sizes = {}     # key: sizes that it had
        self.writes = 0
        self.end = time.monotonic() + seconds
        self.done = {}      # what: {outcome: count}
        self.wrong = []
        self.buffer = mmap.mmap(-1, 1 << 20)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))

    def run(self):
        code = self.store.register_buffer(self.address, len(self.buffer))
        assert code == 0, f"register_buffer: {code}"
        steps = [getattr(self, name) for name in dir(self) if name.startswith("step_")]
        try:
            while time.monotonic() < self.end:
                self.random.choice(steps)()
        except Exception as error:
            self.wrong.append(f"{self.name}: {error!r}")
        finally:
            self.store.unregister_buffer(self.address)

    def count(self, what, outcome):
        outcomes = self.done.setdefault(what, {})
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    # ---- writing own keys ----

    def made(self, key, size=None):
        self.writes += 1
        size = size or self.random.choice(SIZES)
        self.sizes.setdefault(key, set()).add(size)
        return self.writes, value_of(key, size, self.writes)

    def put_done(self, key, number, code):
        self.count("put", code)
        if code == 0:   # also where the key was there, and stays as it is
            self.may_be.setdefault(key, set()).add(number)

    def step_put(self):
        key = self.random.choice(self.changing)
        number, value = self.made(key)
        self.put_done(key, number, self.store.put(key, value))

    def step_put_again(self):
        self.step_put()

    def step_put_batch(self):
        keys = self.random.sample(self.changing, BATCH)
        made = [self.made(key) for key in keys]
        code = self.store.put_batch(keys, [value for _, value in made])
        self.count("put_batch", code)
        for key, (number, _) in zip(keys, made):    # one code for all: each may be there
            self.may_be.setdefault(key, set()).add(number)

    def step_put_from(self):
        key = self.random.choice(self.changing)
        number, value = self.made(key)
        self.buffer[:len(value)] = value
        self.put_done(key, number, self.store.put_from(key, self.address, len(value)))

    def upsert_done(self, key, number, code):
        self.count("upsert", code)
        if code == 0:
            self.may_be[key] = {number}
        else:
            self.may_be.setdefault(key, set()).add(number)

    def step_upsert(self):
        """Never of the size before: that would be in place, under the eyes of readers."""
        key = self.random.choice(self.changing)
        size = 0
        while size == 0 or size in self.sizes.get(key, ()):
            size = self.random.randrange(100, 65_000)
        number, value = self.made(key, size)
        self.upsert_done(key, number, self.store.upsert(key, value))

    def step_upsert_in_place(self):
        key = self.random.choice(self.in_place)
        number, value = self.made(key, 8192)
        self.upsert_done(key, number, self.store.upsert(key, value))

    def step_remove(self):
        key = self.random.choice(self.changing)
        code = self.store.remove(key)
        self.count("remove", code)
        if code in (0, NONE):
            self.may_be[key] = set()

    # ---- reading ----

    def judge(self, what, key, value):
        if len(value) == 0:
            self.count(what, "miss")
            return
        try:
            number = number_of(key, value)
        except ValueError as error:
            self.wrong.append(f"{what}: {error}")
            return
        self.count(what, "ok")
        if key in self.may_be:
            if number not in self.may_be[key]:
                self.wrong.append(f"{key}: write {number}, not of {sorted(self.may_be[key])}")
            self.may_be[key] = {number}

    def any_key(self):
        if self.random.random() < 0.5:
            return self.random.choice(self.changing + self.in_place)
        return f"{self.random.choice(self.others)}/c{self.random.randrange(len(self.changing))}"

    def step_get(self):
        key = self.any_key()
        self.judge("get", key, self.store.get(key))

    def step_get_batch(self):
        # the wheel fills one of two that are alike
        keys = list({self.any_key() for _ in range(BATCH)})
        for key, value in zip(keys, self.store.get_batch(keys)):
            self.judge("get_batch", key, value)

    def step_get_into(self):
        key = self.any_key()
        length = self.store.get_into(key, self.address, len(self.buffer))
        self.judge("get_into", key, self.buffer[:length] if length > 0 else b"")

    def step_exist(self):
        keys = [self.any_key() for _ in range(BATCH)]
        for code in [self.store.is_exist(keys[0]), *self.store.batch_is_exist(keys)]:
            self.count("exist", code)


def run(store, name, threads, clients, keys, seconds):
    """What was done, {what: {outcome: count}}, and what was wrong."""
    names = [f"{client}/t{t}" for client in clients for t in range(threads)]
    workers = [Worker(store, f"{name}/t{t}", names, keys, seconds) for t in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done = {}
    for worker in workers:
        for what, outcomes in worker.done.items():
            total = done.setdefault(what, {})
            for outcome, count in outcomes.items():
                total[str(outcome)] = total.get(str(outcome), 0) + count
    return {"done": done, "wrong": [text for worker in workers for text in worker.wrong][:20]}
