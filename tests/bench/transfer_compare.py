#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mc-bench transfer beside what else moves bytes on one host: Mooncake's transfer_engine_bench,
iperf3, memcpy, UCX and NIXL; the server on one CPU and the generator on another. Rounds in turn,
medians. Prints Markdown tables (or JSON with --json); asserts nothing. A program that is not there
is named in its row."""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys

from peer_runs import ROOT, Failed, Runs

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
UCX_TCP = "tcp,self"


class Case:
    """One table: contenders in the order of their rows, ours first."""

    def __init__(self, name, title):
        self.name, self.title = name, title
        self.contenders, self.results, self.failures = [], {}, {}
        self.goals = []

    def add(self, label, run, *args, **named):
        self.contenders.append((label, lambda: run(*args, **named)))

    def aim(self, text, ours, judge):
        """A goal; judge(medians) gives the value that is printed beside it, or None."""
        self.goals.append((text, ours, judge))

    def measure(self, label, run):
        if label in self.failures:
            return
        try:
            self.results.setdefault(label, []).append(run())
        except (Failed, subprocess.SubprocessError, OSError, ValueError, LookupError) as error:
            self.failures[label] = str(error)
            print(f"transfer_compare: {self.name}: {label}: {error}", file=sys.stderr)

    def medians(self):
        """{label: {figure: median, None where it is never told}}"""
        found = {}
        for label, _ in self.contenders:
            rounds = self.results.get(label)
            if rounds:
                found[label] = {
                    key: statistics.median(values) if
                    (values := [row[key] for row in rounds if row[key] is not None]) else None
                    for key in rounds[0]}
        return found


def best_upstream(medians):
    rates = [row["gb_per_s"] for label, row in medians.items() if label.startswith("upstream")]
    return max(rates) if rates else None


def ratio(medians, label, other):
    """Of the throughputs; @other is a label or a number."""
    theirs = medians[other]["gb_per_s"] if isinstance(other, str) and other in medians else other
    if label not in medians or not isinstance(theirs, float) or theirs <= 0:
        return None
    return medians[label]["gb_per_s"] / theirs


# ---- the tables ----

def tcp_large(runs, op):
    case = Case(f"tcp1m-{op}", f"TCP, 1 MiB, 8 in flight, {op}")
    case.add("ours, set of 256 MiB", runs.ours, driver="tcp", op=op, size="1M", batch=8,
             set="256M")
    case.add("ours, set of 4 MiB", runs.ours, driver="tcp", op=op, size="1M", batch=8, set="4M")
    for threads in (1, 2, 4, 8):
        case.add(f"upstream, {threads} thread{'s' * (threads > 1)}", runs.upstream, op, MIB, 8,
                 threads, 256 * MIB)
    case.add("iperf3 -C cubic -l 1M, one stream", runs.iperf3)
    case.add("NIXL, tcp", runs.nixl, UCX_TCP, op, MIB, 256 * MIB)
    case.add("UCX tag_bw, tcp (one hot buffer, two-sided)", runs.ucx, UCX_TCP, "tag_bw", MIB, 8)
    for label in ("ours, set of 256 MiB", "ours, set of 4 MiB"):
        case.aim("≥ 3 × upstream at its best", label,
                 lambda medians, label=label: ratio(medians, label, best_upstream(medians)))
        case.aim("≥ 0.7 × iperf3", label, lambda medians, label=label: ratio(
            medians, label, "iperf3 -C cubic -l 1M, one stream"))
    return case


def tcp_middle(runs, flight):
    case = Case(f"tcp64k-{flight}", f"TCP, 64 KiB, {flight} in flight, read")
    case.add("ours", runs.ours, driver="tcp", op="read", size="64K", batch=flight, set="256M")
    if flight == 1:
        case.add("ours, both ends busy", runs.ours, driver="tcp", op="read", size="64K", batch=1,
                 set="256M", idle_policy="busy")
        case.add("upstream, 1 thread", runs.upstream, "read", 64 * KIB, 1, 1, 256 * MIB)
    else:
        for threads in (1, 2, 4):
            case.add(f"upstream, {threads} thread{'s' * (threads > 1)}", runs.upstream, "read",
                     64 * KIB, flight // threads, threads, 256 * MIB)
    case.add("NIXL, tcp", runs.nixl, UCX_TCP, "read", 64 * KIB, 256 * MIB, flight)
    case.add("UCX tag_bw, tcp (one hot buffer, two-sided)", runs.ucx, UCX_TCP, "tag_bw", 64 * KIB,
             flight)
    if flight == 1:
        case.aim("≥ 1.8 × upstream", "ours",
                 lambda medians: ratio(medians, "ours", best_upstream(medians)))
    else:
        case.aim("≥ 4 GB/s", "ours", lambda medians: ratio(medians, "ours", 1.0))
    return case


def tcp_small(runs):
    case = Case("tcp64b", "TCP, 64 bytes, 1 in flight, read, both ends busy")
    case.add("ours", runs.ours, driver="tcp", op="read", size=64, batch=1, set="4M",
             idle_policy="busy")
    case.add("ours, inline", runs.ours, driver="tcp", op="read", size=64, batch=1, set="4M",
             idle_policy="busy", inline=True)
    case.add("upstream, 1 thread (mean, it sleeps)", runs.upstream, "read", 64, 1, 1, 4 * MIB)
    case.add("NIXL, tcp", runs.nixl, UCX_TCP, "read", 64, 4 * MIB, 1)
    case.add("UCX tag_lat, tcp (half a round trip)", runs.ucx, UCX_TCP, "tag_lat", 64)
    case.aim("p50 ≤ 12 µs", "ours",
             lambda medians: medians.get("ours", {}).get("p50_us"))
    return case


def same_host(runs, size, text):
    case = Case(f"shm{text.lower()}", f"Same host, {text}iB, cold sets of 1 GiB, read")
    small = size < MIB
    ways = {"ours": {}, "ours, inline": {"inline": True}}
    if small:
        ways["ours, submissions of 16"] = {"batch": 1, "post": 16}
    for label, named in ways.items():
        case.add(label, runs.ours, driver="shm", op="read", size=text, set="1G",
                 **{"batch": 8, **named})
    case.add("ours, write", runs.ours, driver="shm", op="write", size=text, batch=8, set="1G")
    case.add("memcpy", runs.copy, "memcpy", text)
    case.add("mc_mem_copy", runs.copy, "mc_mem_copy", text)
    case.add("NIXL" + ", requests of 1 MiB" * small, runs.nixl, None, "read", size, GIB, 8,
             max(1, MIB // size))
    case.add("UCX ucp_get, posix (one hot buffer)", runs.ucx, "posix,self", "ucp_get", size)
    goal = 0.95 if small else 1.3
    for label in ways:
        case.aim(f"≥ {goal} × memcpy", label,
                 lambda medians, label=label: ratio(medians, label, "memcpy"))
    return case


def host_small(runs):
    """What mc-bench itself takes, a look at the clock for one, is in the figures. A target has
    nothing to do with shm: one that is busy all the same would take a CPU from the others."""
    case = Case("shm64b", "Same host, 64 bytes, 1 in flight, read, the initiator spins")
    common = {"driver": "shm", "op": "read", "size": 64, "set": "4M", "poll_idle_us": 200000}
    case.add("ours, inline", runs.ours, batch=1, inline=True, **common)
    case.add("ours, inline, 8 submissions of 16", runs.ours, batch=8, post=16, inline=True,
             **common)
    case.add("ours, on the lcore", runs.ours, batch=1, **common)
    case.add("ours, from another thread", runs.ours, batch=1, complete="poll", **common)
    case.add("NIXL", runs.nixl, None, "read", 64, 4 * MIB, 1)
    case.add("UCX ucp_get, posix (one hot buffer)", runs.ucx, "posix,self", "ucp_get", 64)
    for label in ("ours, inline", "ours, inline, 8 submissions of 16"):
        case.aim("≤ 150 ns (mean)", label, lambda medians, label=label:
                 64 / medians[label]["gb_per_s"] if label in medians else None)
    case.aim("p50 ≤ 1 µs", "ours, from another thread",
             lambda medians: medians.get("ours, from another thread", {}).get("p50_us"))
    return case


def cold_ucx(runs):
    case = Case("shm256m", "Same host, one buffer of 256 MiB, which no cache holds")
    case.add("ours", runs.ours, driver="shm", op="read", size="256M", batch=1, set="1G")
    case.add("memcpy", runs.copy, "memcpy", "256M")
    case.add("UCX ucp_get, posix", runs.ucx, "posix,self", "ucp_get", 256 * MIB)
    return case


def cases_of(runs):
    made = [tcp_large(runs, "read"), tcp_large(runs, "write"), tcp_middle(runs, 1),
            tcp_middle(runs, 8), tcp_small(runs)]
    made += [same_host(runs, size, text) for size, text in
             ((4 * KIB, "4K"), (64 * KIB, "64K"), (MIB, "1M"), (16 * MIB, "16M"))]
    return made + [cold_ucx(runs), host_small(runs)]


# ---- output ----

def cell(value, digits=None):
    """Without @digits about three that count."""
    if value is None:
        return "–"
    if digits is None:
        digits = 3 if value < 1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:,.{digits}f}"


def markdown(case):
    medians = case.medians()
    lines = [f"**{case.title}**", "",
             "| | GB/s | first pass GB/s | p50 µs | p99 µs | CPU s/GB | goal: reached |",
             "|---|---|---|---|---|---|---|"]
    for label, _ in case.contenders:
        if label not in medians:
            lines.append(f"| {label} | not measured: {case.failures.get(label, 'ended early')} "
                         "| | | | | |")
            continue
        row = medians[label]
        goals = [f"{text}: {cell(judge(medians), 2)}" for text, ours, judge in case.goals
                 if ours == label]
        lines.append(
            f"| {label} | {cell(row['gb_per_s'], 2 if row['gb_per_s'] >= 0.1 else 4)} "
            f"| {cell(row['first_gb_per_s'], 2)} | {cell(row['p50_us'])} "
            f"| {cell(row['p99_us'])} | {cell(row['cpu_s_per_gb'], 3)} | {'; '.join(goals)} |")
    return "\n".join(lines) + "\n"


def as_json(case):
    medians = case.medians()
    for label, _ in case.contenders:
        yield json.dumps({"case": case.name, "title": case.title, "contender": label,
                          "rounds": case.results.get(label, []),
                          "median": medians.get(label), "failure": case.failures.get(label),
                          "goals": {text: judge(medians) for text, ours, judge in case.goals
                                    if ours == label}})


def engine_bench(build):
    """What tests/bench/engine_bench says of small transfers in one process; its text."""
    path = build / "tests/bench/engine_bench"
    if not os.access(path, os.X_OK):
        return f"engine_bench: not measured: {path} is not there\n"
    done = subprocess.run([path], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        return f"engine_bench: not measured: it ended with {done.returncode}\n"
    return f"```\n{done.stdout}```\n"


def options(names):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default=ROOT / "build", type=type(ROOT),
                        help="build directory with mc-bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="of each measurement")
    parser.add_argument("--only", default="", metavar="NAME,NAME",
                        help="tables by the beginning of their names: " + ", ".join(names))
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--bench-core", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="a line per contender")
    return parser.parse_args()


def main():
    names = [case.name for case in cases_of(Runs(ROOT, 0, 1, 1))] + ["engine"]
    args = options(names)
    wanted = [part for part in args.only.split(",") if part]
    unknown = [part for part in wanted if not any(name.startswith(part) for name in names)]
    if unknown:
        sys.exit(f"transfer_compare: --only {unknown[0]}: no such table; give some of "
                 f"{', '.join(names)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def is_wanted(name):
        return not wanted or any(name.startswith(part) for part in wanted)

    runs = Runs(args.build, args.server_core, args.bench_core, args.seconds)
    for case in cases_of(runs):
        if not is_wanted(case.name):
            continue
        try:
            for number in range(args.rounds):
                for label, run in case.contenders:
                    print(f"{case.name}: round {number + 1}: {label}", file=sys.stderr)
                    case.measure(label, run)
        finally:
            # what there is, when it is ended early too
            print("\n".join(as_json(case)) if args.json else markdown(case), flush=True)
    if is_wanted("engine") and not args.json:
        print(engine_bench(args.build))


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
