# SPDX-License-Identifier: Apache-2.0
"""One measurement each of mc-bench transfer and of the programs that it is held against, with the
server on one CPU and the generator on another. All return {gb_per_s, p50_us, p99_us, cpu_s_per_gb,
first_gb_per_s}; what a program does not tell is None. Failed says why there is no figure."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from support import processes  # noqa: E402
from support.ports import free_port  # noqa: E402

NEWEST = "0.3.13.post1"
VENVS = ROOT / ".venvs"


class Failed(Exception):
    """No figure, and why."""


def figures(gb_per_s, p50_us=None, p99_us=None, cpu_s_per_gb=None, first_gb_per_s=None):
    return {"gb_per_s": gb_per_s, "p50_us": p50_us, "p99_us": p99_us,
            "cpu_s_per_gb": cpu_s_per_gb, "first_gb_per_s": first_gb_per_s}


def cpu_seconds(pid):
    """Of all threads of a process, as the scheduler counts."""
    total = 0
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return 0
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
                total += int(stat.read().split()[0])
        except (OSError, ValueError):
            pass
    return total * 1e-9


class Started:
    """Processes that are ended when the block is left; each on a CPU of its own."""

    def __init__(self, env=None):
        self.processes, self.env = [], {**os.environ, **(env or {})}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            processes.reap(process, 5)

    def start(self, cpu, *command):
        """taskset becomes the program, so that the pid is its own."""
        process = processes.spawn(["taskset", "-c", cpu, *command], env=self.env, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process


def cpu_per_second(pids, delay, seconds):
    """CPU seconds per second of @pids, sampled on a thread while they run; call the result."""
    value = []

    def sample():
        time.sleep(delay)
        start, used = time.monotonic(), sum(map(cpu_seconds, pids))
        time.sleep(seconds)
        used = sum(map(cpu_seconds, pids)) - used
        value.append(used / (time.monotonic() - start))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()

    def result():
        thread.join()
        return value[0] if value and value[0] > 0 else None

    return result


def finish(process, timeout, what):
    try:
        text, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Failed(f"{what} did not end within {timeout:.0f} s") from None
    if process.returncode != 0:
        last = text.strip().splitlines()[-1:] or ["nothing said"]
        raise Failed(f"{what} ended with {process.returncode}: {last[0][:160]}")
    return text


def program(name, hint):
    found = shutil.which(name)
    if not found:
        raise Failed(f"{name} is not installed: {hint}")
    return found


class Runs:
    """The CPUs, the build and the time of each measurement."""

    def __init__(self, build, server_cpu, generator_cpu, seconds):
        self.build, self.seconds = pathlib.Path(build), seconds
        self.server, self.generator = server_cpu, generator_cpu

    # ---- ours ----

    def ours(self, **flags):
        """mc-bench with both ends; flags by name, True for a switch."""
        bench = self.build / "apps/mc-bench/mc-bench"
        if not bench.exists():
            raise Failed(f"{bench}: run tools/build")
        flags = {"seconds": self.seconds, "warmup": 0.3, "target_cpus": self.server,
                 "l": self.generator, **flags}
        with Started() as started:
            process = started.start(
                f"{self.server},{self.generator}", bench, "transfer", "-json",
                *(f"-{name}={str(value).lower() if value is True else value}"
                  for name, value in flags.items()))
            text = finish(process, self.seconds + 60, "mc-bench")
        row = json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
        return figures(row["gb_per_s"], row["p50_us"], row["p99_us"], row["cpu_s_per_gb"],
                       row["first_pass_gb_per_s"])

    # ---- memory ----

    def copy(self, kind, size, set_bytes="1G"):
        bench = self.build / "tests/bench/set_copy_bench"
        if not bench.exists():
            raise Failed(f"{bench}: run tools/build")
        with Started() as started:
            process = started.start(self.generator, bench, kind, size, set_bytes, self.seconds)
            text = finish(process, self.seconds + 60, "set_copy_bench")
        row = json.loads(text.splitlines()[-1])
        return figures(row["gb_per_s"], row["p50_us"], row["p99_us"], row["cpu_s_per_gb"])

    # ---- upstream ----

    def upstream(self, op, size, batch, threads, buffer):
        found = sorted((VENVS / NEWEST).glob(
            "lib/python3*/site-packages/mooncake/transfer_engine_bench"))
        if not found:
            raise Failed(f"transfer_engine_bench: not in .venvs/{NEWEST}: run tools/peers")
        needed = max(buffer, size * batch * threads)
        common = ["--metadata_server=P2PHANDSHAKE", "--local_server_name=127.0.0.1:0",
                  "--protocol=tcp", f"--buffer_size={needed}", f"--block_size={size}",
                  f"--batch_size={batch}", f"--threads={threads}"]
        duration = max(1, round(self.seconds))
        with Started() as started:
            target = started.start(self.server, found[0], "--mode=target", *common)
            segment = self.await_line(target, r"listening on (\S+:\d+)", "the upstream target")
            self.await_line(target, r"numa node num", "the upstream target")
            time.sleep(0.3)
            initiator = started.start(self.generator, found[0], "--mode=initiator", *common,
                                      f"--segment_id={segment}", f"--operation={op}",
                                      f"--duration={duration}", "--report_unit=KB")
            self.await_line(initiator, r"numa node num", "the upstream initiator")
            # its buffer is made before its clock starts
            cpu = cpu_per_second([target.pid, initiator.pid], 0.5 + needed / 2e9,
                                 max(0.3, duration - 0.8))
            text = finish(initiator, duration + 60, "the upstream initiator")
        match = re.search(r"throughput ([\d.]+) KB/s", text)
        if not match:
            raise Failed("the upstream initiator told no throughput")
        rate, used = float(match.group(1)) / 1e6, cpu()
        if rate <= 0:
            raise Failed("the upstream initiator moved nothing")
        # one in flight: what the mean takes
        mean = size / rate / 1e3 if batch * threads == 1 else None
        return figures(rate, mean, None, used / rate if used else None)

    @staticmethod
    def await_line(process, pattern, what):
        """Reads its output up to the line; the match."""
        for line in process.stdout:
            match = re.search(pattern, line)
            if match:
                return match.group(1) if match.groups() else match.group(0)
        raise Failed(f"{what} ended before it was ready")

    # ---- iperf3 ----

    def iperf3(self, size="1M"):
        iperf3, port = program("iperf3", "tools/setup --bench"), free_port()
        with Started() as started:
            server = started.start(self.server, iperf3, "-s", "-1", "-p", port)
            time.sleep(0.4)
            client = started.start(self.generator, iperf3, "-c", "127.0.0.1", "-p", port, "-C",
                                   "cubic", "-l", size, "-t", max(1, round(self.seconds)), "-J")
            cpu = cpu_per_second([server.pid, client.pid], 0.3, max(0.5, self.seconds - 0.6))
            end = json.loads(finish(client, self.seconds + 30, "iperf3"))["end"]
        rate = end["sum_received"]["bits_per_second"] / 8e9
        used = cpu()
        return figures(rate, cpu_s_per_gb=used / rate if used else None)

    # ---- UCX ----

    def ucx(self, tls, test, size, flight=1):
        ucx, port = program("ucx_perftest", "tools/setup --bench"), free_port()
        env = {"UCX_TLS": tls, "UCX_LOG_LEVEL": "error"}
        if "tcp" in tls:
            env["UCX_NET_DEVICES"] = "lo"
        # as many as fill about the time, by what it did on such a machine
        guess = {"tcp": 1.2e9, "posix": 2e10}["tcp" if "tcp" in tls else "posix"]
        count = max(50, min(2_000_000, int(self.seconds / (size / guess + 12e-6))))
        if "tcp" not in tls:
            count = max(50, min(20_000_000, int(self.seconds / (size / guess + 1e-7))))
        with Started(env) as started:
            server = started.start(self.server, ucx, "-p", port)
            time.sleep(0.5)
            client = started.start(self.generator, ucx, "127.0.0.1", "-p", port, "-t", test, "-s",
                                   size, "-n", count, "-w", max(10, count // 20), "-O", flight,
                                   "-f", "-v")
            cpu = cpu_per_second([server.pid, client.pid], 0.4, max(0.3, self.seconds - 0.8))
            text = finish(client, self.seconds * 20 + 30, "ucx_perftest")
        row = [line for line in text.splitlines() if re.match(r"\s*\d+,[\d.]+,", line)]
        if not row:
            raise Failed("ucx_perftest told no figures")
        fields = [float(field) for field in row[-1].split(",")]
        rate, used = fields[5] * (1 << 20) / 1e9, cpu()
        one = flight == 1 or test.endswith("_lat")
        return figures(rate, fields[1] if one else None, None, used / rate if used else None)

    # ---- NIXL ----

    def nixl(self, tls, op, size, set_bytes, flight=8, pieces=1):
        python = VENVS / "nixl/bin/python"
        if not python.exists():
            raise Failed("NIXL is not installed: tools/peers nixl")
        env = {"UCX_TLS": tls, "UCX_NET_DEVICES": "lo"} if tls else {}
        with Started(env) as started:
            process = started.start(f"{self.server},{self.generator}", python,
                                    ROOT / "tests/bench/nixl_bench.py", "--op", op, "--size", size,
                                    "--set", set_bytes, "--flight", flight, "--pieces", pieces,
                                    "--seconds", self.seconds, "--target-cpu", self.server,
                                    "--cpu", self.generator)
            text = finish(process, self.seconds + 90, "nixl_bench.py")
        row = json.loads([line for line in text.splitlines() if line.startswith("{")][-1])
        return figures(row["gb_per_s"], row["p50_us"], row["p99_us"], row["cpu_s_per_gb"])
