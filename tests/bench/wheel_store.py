# SPDX-License-Identifier: Apache-2.0
"""Runs inside the environment of one release of upstream's wheel: a node, or a client that puts and
gets as `mc-bench store` and `mc-bench replay` do. Commands come on stdin and answers go to stdout,
as JSON lines. The wheel itself prints to stdout; that goes to stderr."""

import ctypes
import json
import mmap
import os
import random
import statistics
import sys
import time

OUT = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

from mooncake import store as mooncake  # noqa: E402

MIB = 1 << 20
SET = 64 * MIB          # as mc-bench's clients have: more than caches hold
FILL = 16384            # objects, at most


class Client:
    def setup(self, master, metadata, segment):
        self.store = mooncake.MooncakeDistributedStore()
        code = self.store.setup("127.0.0.1", metadata, segment, 16 * MIB, "tcp", "", master)
        return code

    def memory(self, length):
        self.buffer = mmap.mmap(-1, length)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.buffer))
        ctypes.memset(self.address, 0x5a, length)
        assert self.store.register_buffer(self.address, length) == 0
        self.length = length

    # ---- mc-bench store ----

    def put(self, keys, addresses, size):
        if len(keys) == 1:
            return [self.store.put_from(keys[0], addresses[0], size)]
        return self.store.batch_put_from(keys, addresses, [size] * len(keys))

    def get(self, keys, addresses, size):
        if len(keys) == 1:
            return [self.store.get_into(keys[0], addresses[0], size)]
        return self.store.batch_get_into(keys, addresses, [size] * len(keys))

    def run(self, op, size, batch, seconds, live):
        """As store_load.c: values of a set in turn, the oldest objects removed off the clock."""
        places = max(SET // size, batch)
        if not hasattr(self, "buffer"):
            self.memory(max(SET, 16 * 4 * MIB))
        run, turn, errors, times = f"{random.getrandbits(60):x}", 0, 0, []
        most = max(live // size, batch)
        filled = min(most, FILL)
        if op == "get":
            for first in range(0, filled, 16):
                keys = [f"{run}/{i}" for i in range(first, min(first + 16, filled))]
                codes = self.store.batch_put_from(keys, [self.address] * len(keys),
                                                  [size] * len(keys))
                assert set(codes) == {0}, codes
        until = time.monotonic() + seconds
        removed = 0
        while time.monotonic() < until:
            numbers = range(turn, turn + batch)
            addresses = [self.address + i % places * size for i in numbers]
            if op == "put":
                keys = [f"{run}/{i}" for i in numbers]
                begin = time.perf_counter()
                codes = self.put(keys, addresses, size)
                times.append(time.perf_counter() - begin)
                errors += sum(code != 0 for code in codes)
                while turn + batch - removed > most:
                    self.store.batch_remove([f"{run}/{i}" for i in
                                             range(removed, removed + batch)], True)
                    removed += batch
            else:
                keys = [f"{run}/{random.randrange(filled)}" for _ in numbers]
                begin = time.perf_counter()
                codes = self.get(keys, addresses, size)
                times.append(time.perf_counter() - begin)
                errors += sum(code != size for code in codes)
            turn += batch
        self.store.remove_by_regex(f"^{run}/", True)
        return {"gb_per_s": turn * size / sum(times) / 1e9, "ops_per_s": turn / sum(times),
                "p50_us": statistics.median(times) * 1e6, "errors": errors}

    # ---- mc-bench replay ----

    def replay(self, trace, bytes_per_token, requests):
        block = bytes_per_token * 512
        with open(trace) as lines:
            wanted = [ids for line in lines if (ids := json.loads(line)["hash_ids"])]
        wanted = wanted[:requests] if requests else wanted
        self.memory(max(len(ids) for ids in wanted) * block)
        places = [self.address + i * block for i in range(self.length // block)]
        hits = puts = refused = errors = 0
        latencies, begin = [], time.perf_counter()
        for ids in wanted:
            start = time.perf_counter()
            keys, count = [f"replay/{i:x}" for i in ids], len(ids)
            there = self.store.batch_is_exist(keys)
            prefix = next((i for i, code in enumerate(there) if code != 1), count)
            if prefix:
                got = self.store.batch_get_into(keys[:prefix], places[:prefix], [block] * prefix)
                prefix = next((i for i, code in enumerate(got) if code != block), prefix)
            if prefix < count:
                codes = self.store.batch_put_from(keys[prefix:], places[prefix:count],
                                                  [block] * (count - prefix))
                puts += sum(code == 0 for code in codes)
                refused += sum(code == -200 for code in codes)
                errors += sum(code not in (0, -200) for code in codes)
            hits += prefix
            latencies.append(time.perf_counter() - start)
        seconds = time.perf_counter() - begin
        blocks = sum(map(len, wanted))
        latencies.sort()
        return {"requests": len(wanted), "blocks": blocks, "seconds": seconds,
                "hit_ratio": hits / blocks, "requests_per_s": len(wanted) / seconds,
                "gb_per_s": (hits + puts) * block / seconds / 1e9,
                "p50_us": latencies[len(latencies) // 2] * 1e6,
                "p99_us": latencies[len(latencies) * 99 // 100] * 1e6,
                "puts": puts, "refused": refused, "errors": errors}


def main():
    client = Client()
    for line in sys.stdin:
        command = json.loads(line)
        OUT.write(json.dumps(getattr(client, command.pop("do"))(**command)) + "\n")


main()
