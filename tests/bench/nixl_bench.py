#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""NIXL's UCX backend between two processes of this host: prints one JSON object. To be run with the
Python of .venvs/nixl (tools/peers nixl); UCX_TLS and its like are UCX's own."""

import argparse
import json
import math
import mmap
import multiprocessing
import os
import sys
import time

from nixl_cu12._api import nixl_agent, nixl_agent_config
import numpy

HANDLES_MAX = 4096


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--op", choices=("read", "write"), default="read")
    parser.add_argument("--size", type=int, default=1 << 20)
    parser.add_argument("--set", type=int, default=1 << 30, help="bytes on either side")
    parser.add_argument("--flight", type=int, default=8, help="requests in flight")
    parser.add_argument("--pieces", type=int, default=1, help="transfers in each request")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--target-cpu", type=int, default=0)
    parser.add_argument("--cpu", type=int, default=1)
    return parser.parse_args()


def agent_open(name, length, cpu, progress):
    """An agent on @cpu with a buffer that is populated. One that only waits needs a thread for its
    progress; one that polls is faster without, as the two would share the CPU."""
    os.sched_setaffinity(0, {cpu})
    memory = mmap.mmap(-1, length, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    array = numpy.frombuffer(memory, dtype=numpy.uint8)
    array[:] = 1
    agent = nixl_agent(name, nixl_agent_config(enable_prog_thread=progress, backends=["UCX"]))
    agent.register_memory([(array.ctypes.data, length, 0, "")], "DRAM")
    return agent, array


def serve(pipe, length, cpu):
    agent, array = agent_open("target", length, cpu, True)
    pipe.send((agent.get_agent_metadata(), array.ctypes.data))
    pipe.recv()
    del agent


def cpu_seconds(pid):
    """Of all threads of a process, as the scheduler counts."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                total += int(stat.read().split()[0])
        except OSError:
            pass
    return total * 1e-9


def requests_make(agent, peer, args, local, remote):
    """One for each run of pieces, in an order that no prefetcher guesses."""
    blocks = args.set // args.size
    stride = max(1, int(blocks * 0.6180339887498949))
    while math.gcd(stride, blocks) != 1:
        stride += 1
    order = (numpy.arange(blocks, dtype=numpy.int64) * stride % blocks).astype(numpy.int32)
    rows = numpy.zeros((blocks, 3), dtype=numpy.uint64)
    rows[:, 1] = args.size
    rows[:, 0] = local + numpy.arange(blocks, dtype=numpy.uint64) * args.size
    ours = agent.prep_xfer_dlist("NIXL_INIT_AGENT", rows, "DRAM")
    rows[:, 0] = remote + numpy.arange(blocks, dtype=numpy.uint64) * args.size
    theirs = agent.prep_xfer_dlist(peer, rows.copy(), "DRAM")
    made = []
    for first in range(0, blocks - args.pieces + 1, args.pieces):
        part = order[first:first + args.pieces]
        made.append(agent.make_prepped_xfer(args.op.upper(), ours, part, theirs, part))
        if len(made) == HANDLES_MAX:
            break
    return made, (ours, theirs)


def drive(agent, requests, flight, seconds):
    """(requests completed, seconds, latencies); each completion starts the next."""
    flight = min(flight, len(requests))
    flying = [None] * flight
    latencies, done, turn = [], 0, 0
    start = now = time.perf_counter()
    end = start + seconds
    while now < end:
        for slot in range(flight):
            state = "PROC"
            if flying[slot]:
                state = agent.check_xfer_state(flying[slot][0])
            if state == "ERR":
                sys.exit("nixl_bench: a transfer failed")
            if flying[slot] and state == "DONE":
                latencies.append(time.perf_counter() - flying[slot][1])
                flying[slot] = None
                done += 1
            if flying[slot] is None:
                request = requests[turn % len(requests)]
                turn += 1
                flying[slot] = (request, time.perf_counter())
                if agent.transfer(request) == "ERR":
                    sys.exit("nixl_bench: a transfer was refused")
        now = time.perf_counter()
    for slot in flying:
        while slot and agent.check_xfer_state(slot[0]) == "PROC":
            pass
    return done, now - start, sorted(latencies)


def main():
    args = options()
    ours, theirs = multiprocessing.Pipe()
    target = multiprocessing.Process(target=serve, args=(theirs, args.set, args.target_cpu),
                                     daemon=True)
    target.start()
    agent, array = agent_open("initiator", args.set, args.cpu, False)
    metadata, remote = ours.recv()
    peer = agent.add_remote_agent(metadata)
    peer = peer.decode() if isinstance(peer, bytes) else peer
    requests, kept = requests_make(agent, peer, args, array.ctypes.data, remote)
    drive(agent, requests, args.flight, 0.3)
    used = cpu_seconds(os.getpid()) + cpu_seconds(target.pid)
    done, seconds, latencies = drive(agent, requests, args.flight, args.seconds)
    used = cpu_seconds(os.getpid()) + cpu_seconds(target.pid) - used
    gigabytes = done * args.pieces * args.size / 1e9
    print(json.dumps({
        "op": args.op, "size": args.size, "gb_per_s": gigabytes / seconds,
        "p50_us": latencies[len(latencies) // 2] * 1e6 / args.pieces if latencies else None,
        "p99_us": latencies[len(latencies) * 99 // 100] * 1e6 / args.pieces if latencies else None,
        "cpu_s_per_gb": used / gigabytes if gigabytes else None}))
    sys.stdout.flush()
    ours.send(None)
    target.join(5)
    # its destructors wait for progress of a peer that is gone
    os._exit(0)


if __name__ == "__main__":
    main()
