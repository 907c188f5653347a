# SPDX-License-Identifier: Apache-2.0
"""mc-bench master against a master: what it prints, what it leaves behind, and how it fails."""

import json
import subprocess

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
    assert row["keys_per_s"] == pytest.approx(row["ops_per_s"] * batch, rel=0.01)
    assert 0 < row["p50_us"] <= row["p99_us"] <= row["p999_us"]
    # each call takes the master some time, and no more than there was
    assert 0 < row["cpu_us_per_call"] * row["ops_per_s"] < 64e6


def test_calls_reach_the_master(master):
    def counted():
        text = web.text(master.admin("/metrics"))
        return next(float(line.split()[-1]) for line in text.splitlines()
                    if line.startswith("master_exist_key_requests_total "))

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


def test_a_master_that_dies_is_told(cluster):
    master = cluster.master()
    bench = subprocess.Popen([BENCH, "master", master.address, "--seconds=60", "--json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # it is under way when its segments are there
        processes.wait_until(master.segments, 20, "segments are mounted")
        master.kill()
        out, err = bench.communicate(timeout=40)
    finally:
        bench.kill()
        bench.wait()
    assert bench.returncode == 1
    assert out == "" and master.address in err


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
    (("--compare", "127.0.0.1:1/1"), ("-compare", "HOST:PORT/PID,HOST:PORT/PID")),
    (("--master", "127.0.0.1:1/99999999"), ("99999999", "pid")),
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
