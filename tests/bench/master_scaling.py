#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How mc-master's cost per call, memory and latency change with connections, objects and lcores,
and what long work (growth, eviction, dumps) does to other calls. Upstream's master runs beside it
where the row says so. Prints the tables of doc/perf.md; asserts nothing."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request

import master_compare
from master_compare import ROOT, processes, program, upstream_binary
from support.ports import free_port

SEGMENT_BYTES = 16 * (64 << 30)     # what mc-bench mounts in all
EXTENT = 4160                       # a 4096-byte object with its trailer


class Master:
    """A master on one core (ours: any -l list), gone when the with-block ends."""

    def __init__(self, binary, directory, cores="0", flags=()):
        self.name = binary.name
        self.port, self.metrics = free_port(), free_port()
        self.log = pathlib.Path(directory) / f"{self.name}.{self.port}.log"
        command = [binary, f"-rpc_port={self.port}", f"-metrics_port={self.metrics}",
                   "-logtostderr", *flags]
        if self.name == "mc-master":
            command += ["-l", cores]
        with open(self.log, "wb") as out:
            self.process = processes.spawn(["taskset", "-c", cores, *command],
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                           cwd=directory)
        processes.wait_until(self.ready, 20, f"{self.name} listens on {self.port}")

    def ready(self):
        if self.process.poll() is not None:
            sys.exit(f"master_scaling: {self.name} ended:\n{processes.tail(self.log)}")
        return master_compare.listens(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        processes.reap(self.process, 20)

    @property
    def target(self):
        return f"127.0.0.1:{self.port}/{self.process.pid}"

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}{path}", timeout=300) as reply:
            return reply.read()

    def sample(self, name):
        found = re.search(rf"^{name} (\S+)$", self.get("/metrics").decode(), re.M)
        return float(found[1])

    def calls_by_time(self):
        """(seconds, calls that took no longer), ascending, as the master counted them."""
        found = re.findall(r'^mc_master_rpc_latency_seconds_bucket\{le="([^"]+)"\} (\S+)$',
                           self.get("/metrics").decode(), re.M)
        return [(float(le), int(float(count))) for le, count in found]

    def rss(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return sum(int(re.search(rf"^{field}:\s+(\d+)", status, re.M)[1]) << 10
                   for field in ("VmRSS", "HugetlbPages"))


class Bench:
    """mc-bench on its core. Rows of one run by op; misses of evicted keys are no failure here."""

    def __init__(self, args):
        self.binary = program(args.build / "apps/mc-bench/mc-bench", "run tools/build")
        self.core, self.seconds, self.rounds = args.bench_core, args.seconds, args.rounds

    def begin(self, master, ops, **flags):
        flags = {"seconds": self.seconds, "warmup": 0.2, "connections": 8, "depth": 16, **flags}
        return processes.spawn(
            [self.binary, "master", "--master", master.target, "--op", ops, "--json",
             "-l", self.core, *(f"--{name}={value}" for name, value in flags.items())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    @staticmethod
    def rows(running):
        out, _ = running.communicate()
        return [json.loads(line) for line in out.splitlines()]

    def run(self, master, ops, **flags):
        return self.rows(self.begin(master, ops, **flags))

    def median(self, master, op, **flags):
        """The last op's medians over the rounds."""
        runs = [self.run(master, op, **flags)[-1] for _ in range(self.rounds)]
        return {key: statistics.median(run[key] for run in runs)
                for key in ("ops_per_s", "p50_us", "p99_us", "max_us", "cpu_us_per_call")}


def table(title, head, rows):
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def pair(masters, make):
    return " / ".join(make(master) for master in masters)


# ---- the tables ----

def connections(args, bench, directory, binaries):
    rows = []
    with contextlib.ExitStack() as stack:
        masters = [stack.enter_context(Master(binary, directory)) for binary in binaries]
        for count in (1, 10, 100, 1000):
            got = {m: bench.median(m, "get", connections=count, depth=4) for m in masters}
            rows.append([count, pair(masters, lambda m: f"{got[m]['cpu_us_per_call']:.2f}"),
                         pair(masters, lambda m: f"{got[m]['ops_per_s']:,.0f}"),
                         pair(masters, lambda m: f"{got[m]['p99_us']:,.0f}")])
    table("Connections (get, 4 deep; mc-master / mooncake_master)",
          ["connections", "CPU µs per call", "calls/s", "p99 µs"], rows)


def objects(args, bench, directory, binaries):
    rows = []
    for count in args.objects:
        names = binaries if count <= args.upstream_objects else binaries[:1]
        with contextlib.ExitStack() as stack:
            masters = [stack.enter_context(Master(binary, directory)) for binary in names]
            got = {m: {op: bench.run(m, op, keys=count)[-1] for op in ("get", "exist")}
                   for m in masters}
        rows.append([f"{count:,}"] + [pair(masters, lambda m: f"{got[m][op][what]:{form}}")
                                      for op in ("get", "exist")
                                      for what, form in (("cpu_us_per_call", ".2f"),
                                                         ("ops_per_s", ",.0f"))])
    table("Objects (8 × 16; mc-master / mooncake_master where it has room)",
          ["objects", "get: CPU µs", "calls/s", "exist: CPU µs", "calls/s"], rows)


def lcores(args, bench, directory, binaries):
    rows = []
    for cores in ("0", "0,1"):
        with Master(binaries[0], directory, cores) as master:
            got = bench.median(master, "get")
        rows.append([cores, f"{got['cpu_us_per_call']:.2f}", f"{got['ops_per_s']:,.0f}",
                     f"{got['p99_us']:,.0f}"])
    table(f"lcores (get, 8 × 16; the generator has CPU {args.bench_core} in both)",
          ["-l", "CPU µs per call", "calls/s", "p99 µs"], rows)


def memory(args, bench, directory, binaries):
    rows = []
    for binary in binaries:
        peaks = {}
        for count in (1_000_000, 2_000_000) + ((max(args.objects),) if binary == binaries[0]
                                               else ()):
            with Master(binary, directory) as master:
                running = bench.begin(master, "fill,exist", keys=count, seconds=2)
                while running.poll() is None:
                    peaks[count] = max(peaks.get(count, 0), master.rss())
                    threading.Event().wait(0.05)
        each = (peaks[2_000_000] - peaks[1_000_000]) / 1e6
        rows += [[binary.name, f"{count:,}", f"{peak / 1e6:,.0f}", f"{each:,.0f}"]
                 for count, peak in peaks.items()]
    table("Memory (keys of 20 bytes, one replica)",
          ["master", "objects", "peak RSS, MB", "bytes per object (2 M − 1 M)"], rows)


def growth(args, bench, directory, binaries):
    """A prober that asks one call at a time while another program fills the table."""
    rows = []
    count = max(args.objects)
    with Master(binaries[0], directory) as master:
        quiet = bench.run(master, "exist", connections=1, depth=1, keys=1000)[-1]
        filling = bench.begin(master, "fill", keys=count, connections=1, depth=1)
        while filling.poll() is None:
            rows.append(bench.run(master, "exist", connections=1, depth=1, keys=1000,
                                  seed=len(rows) + 2)[-1])
        counted = master.calls_by_time()
    rows = rows[:-1] or rows
    table(f"Growth to {count:,} objects (exist, 1 × 1, beside fill in batches of 64)",
          ["", "p50 µs", "p99 µs", "max µs"],
          [["before", *(f"{quiet[k]:,.0f}" for k in ("p50_us", "p99_us", "max_us"))],
           ["while it grows"] + [f"{f(r[k] for r in rows):,.0f}" for k, f in
                                 (("p50_us", statistics.median), ("p99_us", statistics.median),
                                  ("max_us", max))]])
    print(f"\nIn the master, with the fill's batches, of {counted[-1][1]:,} calls in all:",
          ", ".join(f"{counted[-1][1] - count} above {le * 1e3:.1f} ms"
                    for le, count in counted if 0.0005 < le < 0.02))


def eviction(args, bench, directory, binaries):
    count = max(args.objects)
    watermark = (count + count // 1000) * EXTENT / SEGMENT_BYTES
    rows = []
    for name, mark in (("never", 0.99), ("while it evicts", watermark)):
        with Master(binaries[0], directory, flags=[
                f"-eviction_high_watermark_ratio={mark:.8f}", "-eviction_ratio=0.05",
                "-default_kv_lease_ttl=1000"]) as master:
            running = bench.begin(master, "fill,mixed", keys=count, connections=8, depth=1,
                                  seconds=args.seconds * 4)
            filled, got = bench.rows(running)
            gone = master.sample("master_evicted_key_count")
        rows.append([name, f"{gone:,.0f}", f"{got['ops_per_s']:,.0f}"] +
                    [f"{got[k]:,.0f}" for k in ("p50_us", "p99_us", "max_us")])
    table(f"Eviction, 5 % of {count:,} objects a round (mixed, 8 × 1)",
          ["", "evicted", "calls/s", "p50 µs", "p99 µs", "max µs"], rows)


def dumps(args, bench, directory, binaries):
    """Readers of every key and of all metrics, some ten times a second, beside get."""
    rows = []
    with Master(binaries[0], directory) as master:
        for name, path in (("nothing", None), ("/metrics", "/metrics"),
                           ("/get_all_keys", "/get_all_keys")):
            running = bench.begin(master, "get", keys=1_000_000, connections=8, depth=1,
                                  seconds=args.seconds * 2)
            asked = 0
            while running.poll() is None:
                if path is not None:
                    master.get(path)
                    asked += 1
                threading.Event().wait(0.1)
            got = bench.rows(running)[-1]
            rows.append([name, asked] + [f"{got[k]:,.0f}" for k in
                                         ("ops_per_s", "p50_us", "p99_us")])
    table("Dumps of 1,000,000 objects (get, 8 × 1)",
          ["beside", "requests", "calls/s", "p50 µs", "p99 µs"], rows)


TABLES = {f.__name__: f for f in (connections, objects, lcores, memory, growth, eviction, dumps)}


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[[], *TABLES], help="which; all by default")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--upstream", type=pathlib.Path, default=os.environ.get(
        "MC_UPSTREAM_VENV", ROOT / ".venvs" / master_compare.NEWEST))
    parser.add_argument("--bench-core", default="1")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=lambda text: [int(each) for each in text.split(",")],
                        default=[10_000, 100_000, 1_000_000, 10_000_000, 20_000_000])
    parser.add_argument("--upstream-objects", type=int, default=1_000_000,
                        help="the most that upstream's master is filled with")
    return parser.parse_args()


def main():
    args = options()
    binaries = [program(args.build / "apps/mc-master/mc-master", "run tools/build"),
                upstream_binary(args.upstream)]
    bench = Bench(args)
    with tempfile.TemporaryDirectory(prefix="master_scaling.") as directory:
        for name in args.tables or TABLES:
            TABLES[name](args, bench, directory, binaries)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
