# SPDX-License-Identifier: Apache-2.0
"""mc-bench master against a master: what it prints, what it leaves behind, and how it fails."""

import json
import signal
import socket
import subprocess
import time

import pytest

from support import processes, web
from support.master import BUILD
from support.ports import free_port

BENCH = BUILD / "apps/mc-bench/mc-bench"
NUMBERS = {"connections", "depth", "batch", "ops_per_s", "keys_per_s", "p50_us", "p99_us",
           "p999_us", "max_us", "errors"}
SHORT = ("--seconds=1", "--warmup=0.1", "--keys=2000", "--connections=2", "--depth=4")


def run(*flags, command="master", timeout=60):
    return subprocess.run([BENCH, command, *map(str, flags)], capture_output=True, text=True,
                          timeout=timeout)


def rows(done):
    """One object a line and nothing else; the bench ended well."""
    assert done.returncode == 0, done
    assert done.stderr == "", done
    return [json.loads(line) for line in done.stdout.splitlines()]


def metric(master, name):
    text = web.text(master.admin("/metrics"))
    return next(float(line.split()[-1]) for line in text.splitlines()
                if line.startswith(f"{name} "))


@pytest.fixture(scope="module")
def master(module_cluster):
    return module_cluster.master()


@pytest.mark.parametrize("form", ["short", "literal"])
@pytest.mark.parametrize("op, batch", [("exist", 1), ("get", 1), ("put", 1), ("mixed", 1),
                                       ("batch_exist", 64), ("batch_get", 64), ("batch_put", 64)])
def test_each_op_is_measured(master, op, batch, form):
    row, = rows(run("--master", master.address, "--pid", master.pid, "--op", op, "--form", form,
                    "--json", *SHORT))
    assert NUMBERS <= row.keys()
    assert row["bench"] == "master" and row["op"] == op
    assert (row["connections"], row["depth"], row["batch"]) == (2, 4, batch)
    assert row["errors"] == 0
    assert row["ops_per_s"] > 0
    # a put is two calls
    keys_per_call = batch * {"put": 1 / 2, "batch_put": 1 / 2, "mixed": 10 / 11}.get(op, 1)
    assert row["keys_per_s"] == pytest.approx(row["ops_per_s"] * keys_per_call, rel=0.05)
    assert 0 < row["p50_us"] <= row["p99_us"] <= row["p999_us"]
    # each call takes the master some time, and no more than there was
    assert 0 < row["cpu_us_per_call"] * row["ops_per_s"] < 64e6


@pytest.mark.ours
@pytest.mark.parametrize("release", ["0.3.6", "0.3.7", "0.3.8", "0.3.9", "0.3.10", "0.3.12"])
def test_each_release_is_spoken(cluster, release):
    # its own port: what mc-bench sends does not always tell which release asks
    master = cluster.master(abi_ports=[release])
    address = f"127.0.0.1:{master.abi_ports[release]}"
    ops = "exist,get,put,batch_exist,batch_get,batch_put"
    got = rows(run("--master", address, "--release", release, "--op", ops, "--json",
                   "--seconds=0.2", *SHORT[1:]))
    assert [row["op"] for row in got] == ops.split(",")


def test_a_batch_may_be_one_key(master):
    row, = rows(run("--master", master.address, "--op", "batch_get", "--batch=1", "--json", *SHORT))
    assert row["keys_per_s"] == row["ops_per_s"] > 0


def test_calls_reach_the_master(master):
    def counted():
        return metric(master, "master_exist_key_requests_total")

    before = counted()
    row, = rows(run("--master", master.address, "--op", "exist", "--json", *SHORT))
    # the warm-up is counted there too, the last answers on neither side alike
    assert counted() - before >= row["ops_per_s"] * row["seconds"] * 0.99


def test_nothing_stays_mounted(master):
    rows(run("--master", master.address, "--op", "put", "--json", *SHORT))
    assert not [name for name in master.segments() if name.startswith("mc-bench")]


def test_several_ops_are_several_lines(master):
    got = rows(run("--master", master.address, "--op", "fill,exist,get", "--json", *SHORT))
    assert [row["op"] for row in got] == ["fill", "exist", "get"]
    assert all(row["cpu_us_per_call"] is None for row in got), "no pid was given"


def test_fills_never_meet_keys_of_an_earlier_one(master):
    got = rows(run("--master", master.address, "--op", "get,fill,fill,exist", "--json", *SHORT))
    assert [row["op"] for row in got] == ["get", "fill", "fill", "exist"]


@pytest.mark.ours
def test_our_rows_name_no_peer(master):
    row, = rows(run("--master", f"{master.address}/{master.pid}", "--json", *SHORT))
    assert "peer" not in row


def test_two_are_compared(cluster, master):
    other = cluster.master()
    pair = f"{master.address}/{master.pid},{other.address}/{other.pid}"
    first, second, ratio = rows(run("--compare", pair, "--rounds", 2, "--op", "exist", "--json",
                                    *SHORT))
    assert (first["master"], second["master"]) == (master.address, other.address)
    for name in ("ops_per_s", "p50_us", "p99_us", "cpu_us_per_call"):
        assert ratio["ratio"][name] == pytest.approx(first[name] / second[name], rel=0.01)


def test_fills_are_compared(cluster, master):
    other = cluster.master()
    pair = f"{master.address}/{master.pid},{other.address}/{other.pid}"
    assert len(rows(run("--compare", pair, "--rounds", 2, "--op", "fill", "--json", *SHORT))) == 3


def test_the_table_has_a_line_per_op(master):
    done = run("--master", master.address, "--op", "exist,get", *SHORT)
    assert done.returncode == 0, done
    head, *lines = done.stdout.splitlines()
    assert head.split()[:3] == ["op", "conns", "depth"]
    assert [line.split()[0] for line in lines] == ["exist", "get"]
    assert "\r" not in done.stdout + done.stderr, "live line without a terminal"


# ---- early ends ----


class Running:
    """A bench that runs for long; ended with the test whatever happens."""

    def __init__(self, master, *flags):
        command = [BENCH, "master", master.address, "--seconds=600", "--json", "--keys=2000",
                   "--warmup=0", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        processes.wait_until(lambda: metric(master, "master_key_count"), 20, "objects are there")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.process.kill()
        self.process.communicate()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self, timeout=40):
        """Exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=timeout)
        return self.process.returncode, out, err


def test_a_master_that_dies_is_told(cluster):
    master = cluster.master()
    with Running(master) as bench:
        master.kill()
        code, out, err = bench.end()
    assert code == 1
    assert out == "" and master.address in err
    assert len(err.splitlines()) == 1, err


@pytest.mark.parametrize("op", ["exist", "put", "fill"])
def test_a_master_that_stands_still_is_given_up(cluster, op):
    master = cluster.master()
    flags = ("--op", op, "--timeout=1", "--depth=1") + ("--keys=50000000",) * (op == "fill")
    with Running(master, *flags) as bench:
        master.process.send_signal(signal.SIGSTOP)
        try:
            code, out, err = bench.end(timeout=15)
        finally:
            master.process.send_signal(signal.SIGCONT)
    assert code == 1 and out == ""
    assert f"{master.address}: no answer for 1 s" in err


def test_a_listener_that_says_nothing_is_given_up():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        address = "127.0.0.1:%d" % deaf.getsockname()[1]
        text = refused("--master", address, "--timeout=0.5", timeout=10)
    assert f"{address}: the master does not take a segment: timed out" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_with_what_was_measured(master, number):
    with Running(master, f"--pid={master.pid}") as bench:
        time.sleep(1)
        bench.signal(number)
        code, out, err = bench.end()
    assert code == 128 + number
    row = json.loads(out)
    assert row["ops_per_s"] > 0 and 0 < row["seconds"] < 600 and row["errors"] == 0
    assert "ended early" in err and len(err.splitlines()) == 1, err
    assert not master.segments()


def test_a_signal_ends_what_measured_nothing_yet(master):
    with Running(master, "--warmup=600") as bench:
        bench.signal(signal.SIGINT)
        code, out, err = bench.end()
    assert (code, out) == (130, "") and "ended early" in err
    assert not master.segments()


def test_a_signal_ends_a_comparison(cluster, master):
    other = cluster.master()
    pair = f"--compare={master.address}/{master.pid},{other.address}/{other.pid}"
    bench = subprocess.Popen([BENCH, "master", pair, "--json", "--seconds=0.5", "--rounds=100",
                              "--warmup=0", "--keys=2000"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    with bench:
        processes.wait_until(other.segments, 20, "segments are mounted")
        time.sleep(2)
        bench.send_signal(signal.SIGINT)
        out, err = bench.communicate(timeout=40)
    assert bench.returncode == 130, err
    first, second, ratio = map(json.loads, out.splitlines())
    assert first["ops_per_s"] > 0 and second["ops_per_s"] > 0 and ratio["ratio"]["ops_per_s"] > 0


# ---- refusals ----


def refused(*flags, **options):
    done = run(*flags, **options)
    assert done.returncode == 1, done
    assert done.stdout == "", done
    return done.stderr


def test_a_dead_port():
    address = f"127.0.0.1:{free_port()}"
    assert f"{address}: connection refused" in refused("--master", address)
    assert f"{address}: connection refused" in refused("--master", address, "--json")


@pytest.mark.parametrize("flags, words", [
    (("--conections", "3"), ("-conections", "-connections")),
    (("--depth", "0"), ("-depth", "0")),
    (("--op", "exits"), ("-op", "exits", "exist")),
    (("--poll", "never"), ("-poll", "never", "adaptive")),
    (("--form", "long"), ("-form", "long", "short")),
    (("--release", "9.9"), ("-release", "9.9", "0.3.13")),
    (("--key_size", "4"), ("-key_size", "4")),
    (("--timeout", "0"), ("-timeout", "0")),
    (("--batch", "11", "--keys", "10", "--op", "batch_get"), ("-batch", "11", "10")),
    (("--suite", "--op", "put"), ("-suite", "-op")),
    (("127.0.0.1:1", "127.0.0.1:2"), ("127.0.0.1:2", "one")),
    (("--master", "here"), ("-master", "here", "HOST:PORT")),
    (("--master", "127.0.0.1:1/x"), ("-master", "x", "HOST:PORT/PID")),
    (("--compare", "127.0.0.1:1/1"), ("-compare", "HOST:PORT/PID,HOST:PORT/PID")),
    (("--master", "127.0.0.1:1/99999999"), ("-master", "99999999", "pid")),
])
def test_a_wrong_flag_is_named(flags, words):
    text = refused(*flags)
    assert all(word in text for word in words), text
    assert len(text.splitlines()) == 1


def test_commands_are_listed():
    text = refused(command="no-such-command")
    assert "no-such-command" in text and "master" in text
    done = subprocess.run([BENCH, "--help"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "master" in done.stdout


@pytest.mark.parametrize("flag, words", [("--help", "-connections"), ("--version", "mc-bench "),
                                         ("--print_config", "-connections=8")])
def test_standard_flags_run_nothing(flag, words):
    done = run(flag)
    assert done.returncode == 0 and words in done.stdout and done.stderr == ""
