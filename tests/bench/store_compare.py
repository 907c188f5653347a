#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mc-bench store and mc-bench replay beside the same done through Mooncake's wheel, with its own
master and a node process, and Redis over a unix socket. Rounds in turn, masters and Redis on one
CPU, its generator on another, nodes and clients on both; medians. Prints Markdown tables; asserts
nothing.

    tests/bench/store_compare.py [--rounds 5] [--seconds 0.6]
    tests/bench/store_compare.py --replay TRACE [--bytes-per-token 64]
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from peer_runs import NEWEST, ROOT, VENVS

from support import processes
from support.ports import free_port

HERE = pathlib.Path(__file__).resolve().parent
BENCH = ROOT / "build/apps/mc-bench/mc-bench"
KIB, MIB = 1 << 10, 1 << 20
ROWS = [(op, size, batch) for size, batch in ((4 * KIB, 1), (64 * KIB, 1), (MIB, 1), (4 * MIB, 1),
                                              (4 * MIB, 16)) for op in ("put", "get")]
OURS = {
    "ours": [],
    "ours, checksum": ["-checksum"],
    "ours, inline, busy master": ["-inline", "-master_busy"],
}
LIVE = 256 * MIB


def text(size):
    return f"{size // MIB}M" if size >= MIB else f"{size // KIB}K"


class Upstream:
    """mooncake_master, a node with all the memory, and a client without any."""

    def __init__(self, directory, memory, cpus):
        python = VENVS / NEWEST / "bin/python"
        if not python.exists():
            raise SystemExit("store_compare: no wheel here: run tools/peers")
        site = next((VENVS / NEWEST).glob("lib/python3*/site-packages"))
        port, self.children = free_port(), []
        self.log = open(directory / "upstream.log", "wb")
        self._start(cpus[0], site / "mooncake/mooncake_master", f"-rpc_port={port}",
                    f"-metrics_port={free_port()}", "-max_threads=1")
        # both CPUs for both, as our node and client have: pinned they are slower
        both = f"{cpus[0]},{cpus[1]}"
        self.node = self._start(both, python, HERE / "wheel_store.py")
        self.client = self._start(both, python, HERE / "wheel_store.py")
        processes.wait_until(lambda: _listens(port), 20, "mooncake_master listens")
        for child, segment in ((self.node, memory), (self.client, 0)):
            code = self.do(child, "setup", master=f"127.0.0.1:{port}", metadata="P2PHANDSHAKE",
                           segment=segment)
            assert code == 0, f"setup: {code}; see {directory}/upstream.log"

    def _start(self, cpu, *command):
        env = {**os.environ, "MC_TCP_BIND_ADDRESS": "127.0.0.1", "PYTHONPATH": ""}
        child = processes.spawn(["taskset", "-c", str(cpu), *command], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=self.log, env=env, text=True)
        self.children.append(child)
        return child

    @staticmethod
    def do(child, do, **arguments):
        child.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        child.stdin.flush()
        line = child.stdout.readline()
        if not line:
            raise SystemExit("store_compare: a process of the wheel died")
        return json.loads(line)

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        self.log.close()


def _listens(port):
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def mc_bench(cpus, *arguments):
    done = subprocess.run(["taskset", "-c", f"{cpus[0]},{cpus[1]}", BENCH, *map(str, arguments),
                           "-master_cpus", str(cpus[0]), "-json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"store_compare: mc-bench {arguments}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Redis:
    """One server without persistence; redis-benchmark sets and gets one key, one in flight."""

    def __init__(self, directory, cpus):
        self.path, self.cpus, self.server = directory / "redis.sock", cpus, None
        if shutil.which("redis-server") and shutil.which("redis-benchmark"):
            self.server = processes.spawn(
                ["taskset", "-c", str(cpus[0]), "redis-server", "--port", "0", "--unixsocket",
                 self.path, "--save", "", "--appendonly", "no", "--dir", directory],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            processes.wait_until(self.path.exists, 10, "redis listens")

    def run(self, op, size, seconds):
        if self.server is None or size > 4 * MIB:
            return None
        count = max(50, int(seconds * (20000 if size < MIB else 2000)))
        done = subprocess.run(
            ["taskset", "-c", str(self.cpus[1]), "redis-benchmark", "-s", self.path, "-c", "1",
             "-n", str(count), "-d", str(size), "-t", {"put": "set", "get": "get"}[op], "--csv"],
            capture_output=True, text=True)
        fields = done.stdout.splitlines()[-1].replace('"', "").split(",")
        rate, p50 = float(fields[1]), float(fields[4]) * 1e3
        return {"gb_per_s": rate * size / 1e9, "ops_per_s": rate, "p50_us": p50, "errors": 0}

    def close(self):
        if self.server:
            self.server.kill()
            self.server.wait()


def median(rounds, figure):
    values = [row[figure] for row in rounds if row]
    return statistics.median(values) if values else None


def store(options, cpus, directory):
    upstream, redis = Upstream(directory, 1024 * MIB, cpus), Redis(directory, cpus)
    found = {}
    try:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for op, size, batch in ROWS:
                row = found.setdefault((op, size, batch), {})
                row.setdefault("upstream", []).append(upstream.do(
                    upstream.client, "run", op=op, size=size, batch=batch,
                    seconds=options.seconds, live=LIVE))
                if batch == 1:
                    row.setdefault("redis", []).append(redis.run(op, size, options.seconds))
            for label, flags in OURS.items():
                for sizes, batch in (("4K,64K,1M,4M", 1), ("4M", 16)):
                    for row in mc_bench(cpus, "store", "-size", sizes, "-batch", batch, "-seconds",
                                        options.seconds, "-live", LIVE, "-node_size", "512M",
                                        *flags):
                        found[row["op"], row["size"], batch].setdefault(label, []).append(row)
    finally:
        upstream.close()
        redis.close()
    for figure, title, better in (("gb_per_s", "GB/s", max), ("p50_us", "p50, us a call", min)):
        print(f"\n| {title} | upstream | " + " | ".join(f"{label} | x" for label in OURS) +
              " | redis |")
        print("|---|---|" + "---|---|" * len(OURS) + "---|")
        for (op, size, batch), row in found.items():
            base = median(row["upstream"], figure)
            cells = []
            for label in OURS:
                value = median(row[label], figure)
                cells += [f"{value:.3g}", f"{value / base:.2f}"]
            other = median(row.get("redis", []), figure)
            print(f"| {op} {text(size)} x {batch} | {base:.3g} | " + " | ".join(cells) +
                  f" | {f'{other:.3g}' if other else '-'} |")


def replay(options, cpus, directory):
    rows = {"upstream": [], "ours": [], "ours, checksum": []}
    for number in range(options.rounds):
        print(f"round {number + 1}", file=sys.stderr)
        upstream = Upstream(directory, 2048 * MIB, cpus)
        try:
            rows["upstream"].append(upstream.do(
                upstream.client, "replay", trace=str(options.replay),
                bytes_per_token=options.bytes_per_token, requests=options.requests))
        finally:
            upstream.close()
        for label in ("ours", "ours, checksum"):
            rows[label] += mc_bench(
                cpus, "replay", options.replay, "-bytes_per_token", options.bytes_per_token,
                "-requests", options.requests, "-nodes", "1", "-node_size", "2G", *OURS[label])
    print("\n| replay | requests/s | x | hit ratio | GB/s | p50 us | p99 us | refused | errors |")
    print("|---|---|---|---|---|---|---|---|---|")
    base = median(rows["upstream"], "requests_per_s")
    for label, found in rows.items():
        value = {figure: median(found, figure) for figure in found[0]
                 if isinstance(found[0][figure], (int, float))}
        print(f"| {label} | {value['requests_per_s']:.0f} | {value['requests_per_s'] / base:.2f} | "
              f"{value['hit_ratio']:.4f} | {value['gb_per_s']:.3g} | {value['p50_us']:.0f} | "
              f"{value['p99_us']:.0f} | {value['refused']:.0f} | {value['errors']:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.6)
    parser.add_argument("--replay", type=pathlib.Path, help="a trace: replay it, and nothing else")
    parser.add_argument("--bytes-per-token", type=int, default=64)
    parser.add_argument("--requests", type=int, default=0)
    options = parser.parse_args()
    allowed = sorted(os.sched_getaffinity(0))
    cpus = (allowed[0], allowed[-1])
    with tempfile.TemporaryDirectory() as directory:
        (replay if options.replay else store)(options, cpus, pathlib.Path(directory))


main()
