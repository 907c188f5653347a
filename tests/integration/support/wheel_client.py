# SPDX-License-Identifier: Apache-2.0
"""Runs inside the environment of one release of upstream's wheel: reads commands from stdin as JSON
lines, answers on stdout as JSON lines. Contents are made and judged here, from key, size and salt.
The wheel itself prints to stdout; that goes to stderr."""

import ctypes
import json
import mmap
import os
import sys
import time
import traceback

import soak
from content import content, judge

OUT = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

from mooncake import store as mooncake  # noqa: E402


class Client:
    def __init__(self):
        self.store = mooncake.MooncakeDistributedStore()
        self.buffer = None
        self.tensors = None

    # ---- session ----

    def do_setup(self, host, metadata, segment, buffer, master):
        return self.store.setup(host, metadata, segment, buffer, "tcp", "", master)

    def do_call(self, method, arguments):
        return getattr(self.store, method)(*arguments)

    def do_where(self, key):
        """Segment, address and size of the one replica of an object."""
        replica, = self.store.get_replica_desc(key)
        where = replica.get_memory_descriptor().buffer_descriptor
        return [where.transport_endpoint, where.buffer_address, where.size]

    def do_endpoints(self, key):
        """The segments of all its replicas."""
        return [replica.get_memory_descriptor().buffer_descriptor.transport_endpoint
                for replica in self.store.get_replica_desc(key)]

    def do_has(self, method):
        return hasattr(self.store, method)

    def _config(self, config):
        made = mooncake.ReplicateConfig()
        for name, value in config.items():
            if name == "soft_pin_action":
                value = getattr(mooncake.SoftPinAction, value)
            setattr(made, name, value)
        return made

    # ---- registered memory, for the zero-copy calls ----

    def _registered(self, size):
        if self.buffer is None or len(self.buffer) < size:
            assert self.buffer is None, "one buffer per process: ask for the largest size first"
            self.buffer = mmap.mmap(-1, max(size, 8 << 20))
            self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
            code = self.store.register_buffer(self.address, len(self.buffer))
            assert code == 0, f"register_buffer: {code}"
        return self.address

    def do_unregister(self):
        return self.store.unregister_buffer(self.address)

    def _layout(self, keys, size):
        base = self._registered(len(keys) * size)
        return [base + i * size for i in range(len(keys))], [size] * len(keys)

    # ---- writing ----

    def do_put(self, keys, size, salt="", how="put", config=None):
        """One return code per key; put_batch has one for all. Upserts are of the same shapes."""
        shape = getattr(self, "_" + how.replace("upsert", "put"))
        return shape(getattr(self.store, how), keys, size, salt, self._config(config or {}))

    def _put(self, put, keys, size, salt, config):
        return [put(k, content(k, size, salt), config) for k in keys]

    def _put_parts(self, put, keys, size, salt, config):
        codes = []
        for key in keys:
            value = content(key, size, salt)
            codes.append(put(key, value[:28], value[28:], config=config))
        return codes

    def _put_batch(self, put, keys, size, salt, config):
        return [put(keys, [content(k, size, salt) for k in keys], config)]

    def _put_from(self, put, keys, size, salt, config):
        pointers, _ = self._fill(keys, size, salt)
        return [put(k, p, size, config) for k, p in zip(keys, pointers)]

    def _batch_put_from(self, put, keys, size, salt, config):
        pointers, sizes = self._fill(keys, size, salt)
        return put(keys, pointers, sizes, config)

    def _batch_put_from_multi_buffers(self, put, keys, size, salt, config):
        pointers, _ = self._fill(keys, size, salt)
        cut = size // 3
        pieces = [[p, p + cut] for p in pointers]
        return put(keys, pieces, [[cut, size - cut] for _ in keys], config)

    def _fill(self, keys, size, salt):
        pointers, sizes = self._layout(keys, size)
        for i, key in enumerate(keys):
            self.buffer[i * size:(i + 1) * size] = content(key, size, salt)
        return pointers, sizes

    # ---- reading: one verdict per key ----

    def do_get(self, keys, size, salt="", how="get"):
        values = getattr(self, "_get_" + how)(keys, size)
        return [v if isinstance(v, str) else judge(v, k, size, salt) for k, v in zip(keys, values)]

    def _get_get(self, keys, size):
        return [self.store.get(k) for k in keys]

    def _get_get_batch(self, keys, size):
        return self.store.get_batch(keys)

    def _get_get_buffer(self, keys, size):
        handles = [self.store.get_buffer(k) for k in keys]
        return [b"" if h is None else bytes(memoryview(h)) for h in handles]

    def _get_batch_get_buffer(self, keys, size):
        handles = self.store.batch_get_buffer(keys)
        return [b"" if h is None else bytes(memoryview(h)) for h in handles]

    def _get_get_into(self, keys, size):
        pointers, _ = self._layout(keys, size)
        self._wipe(len(keys) * size)
        return self._taken([self.store.get_into(k, p, size) for k, p in zip(keys, pointers)], size)

    def _get_batch_get_into(self, keys, size):
        pointers, sizes = self._layout(keys, size)
        self._wipe(len(keys) * size)
        return self._taken(self.store.batch_get_into(keys, pointers, sizes), size)

    def _wipe(self, size):
        self.buffer[:size] = b"\xee" * size

    def _taken(self, lengths, size):
        return [self.buffer[i * size:i * size + n] if n > 0 else
                (b"" if n in (0, -704) else f"error {n}") for i, n in enumerate(lengths)]

    # ---- tasks: [id, code], then [status, message] ----

    def do_copy_task(self, key, targets):
        return self.store.create_copy_task(key, targets)

    def do_move_task(self, key, source, target):
        return self.store.create_move_task(key, source, target)

    def do_task(self, task):
        """Waits until it is over."""
        while True:
            answer, code = self.store.query_task(tuple(task))
            if code != 0:
                return [code, ""]
            if answer.status not in (mooncake.TaskStatus.PENDING, mooncake.TaskStatus.PROCESSING):
                return [answer.status.name, answer.message]
            time.sleep(0.1)

    # ---- under faults ----

    def do_put_until(self, key, size, salt="", timeout=30):
        """Tries until it works, under a new key each time; [return code, seconds] per try."""
        start, tries = time.monotonic(), []
        while time.monotonic() - start < timeout:
            name = f"{key}-{len(tries)}"
            code = self.store.put(name, content(name, size, salt))
            tries.append([code, time.monotonic() - start])
            if code == 0:
                break
            time.sleep(0.05)
        return tries

    def do_churn(self, prefix, count, size, puts):
        """Puts and reads back own objects; how often which outcome, and what was wrong."""
        i = 0
        tally = {"put": 0, "full": 0, "ok": 0, "miss": 0, "wrong": [], "codes": {}}
        while tally["put"] < puts and tally["full"] < 100 * puts:
            key = f"{prefix}-{i % count}-{i // count}"
            code = self.store.put(key, content(key, size))
            tally["put" if code == 0 else "full"] += 1
            tally["codes"][str(code)] = tally["codes"].get(str(code), 0) + 1
            for back in (i, i - count // 2, i - count):
                if back < 0:
                    continue
                key = f"{prefix}-{back % count}-{back // count}"
                verdict = judge(self.store.get(key), key, size)
                if verdict in tally:
                    tally[verdict] += 1
                else:
                    tally["wrong"].append([key, verdict])
            i += 1
        return tally

    # ---- what other files do ----

    def do_tensors(self, call, **arguments):
        """In an environment with PyTorch only."""
        if self.tensors is None:
            from tensors import Tensors

            self.tensors = Tensors(self.store, lambda config: self._config(config or {}))
        return getattr(self.tensors, call)(**arguments)

    def do_soak(self, **options):
        return soak.run(self.store, **options)


def plain(value):
    return value.hex() if isinstance(value, bytes) else value


def main():
    client = Client()
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": plain(getattr(client, "do_" + command.pop("do"))(**command))}
        except Exception:
            answer = {"error": traceback.format_exc()}
        OUT.write(json.dumps(answer) + "\n")
    # The wheel's threads may keep the interpreter from ending.
    os._exit(0)


main()
