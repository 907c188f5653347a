# SPDX-License-Identifier: Apache-2.0
"""mc-bench transfer: both ends by itself, one end for another, and against upstream's
transfer_engine_bench; what it prints, how it fails, and that it leaves no process behind."""

import html.parser
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from support import processes
from support.master import BUILD, NEWEST, ROOT

BENCH = BUILD / "apps/mc-bench/mc-bench"
NUMBERS = {"size", "batch", "threads", "gb_per_s", "ops_per_s", "p50_us", "p99_us", "cpu_s_per_gb",
           "errors", "verified", "set", "rounds", "seconds"}
SHORT = ("-seconds=0.2", "-warmup=0.05", "-buffer=16M")
QUICK = ("-seconds=0.2", "-warmup=0.05")


def run(*flags, timeout=60, **options):
    return subprocess.run([BENCH, "transfer", *map(str, flags)], capture_output=True, text=True,
                          timeout=timeout, **options)


def rows(done):
    """One object a line and nothing else; the bench ended well."""
    assert done.returncode == 0, done
    assert done.stderr == "", done
    return [json.loads(line) for line in done.stdout.splitlines()]


def children_of(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_gone(pid):
    """Dead, be it that nobody has reaped it yet."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class Target:
    """mc-bench transfer -target."""

    def __init__(self, *flags):
        self.process = processes.spawn([BENCH, "transfer", "-target", "-buffer=16M", *flags],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.segment = self.process.stdout.readline().strip()

    def __enter__(self):
        assert self.segment, self.process.communicate(timeout=10)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        processes.reap(self.process, 10)


@pytest.fixture
def running():
    """Starts one in the background; killed with the test."""
    started = []

    def start(*flags):
        process = subprocess.Popen([BENCH, "transfer", *map(str, flags)], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def child_of(process):
    return processes.wait_until(lambda: children_of(process.pid), 10, "a target was started")[0]


# ---- both ends ----

@pytest.mark.parametrize("driver", ["shm", "tcp"])
@pytest.mark.parametrize("op", ["read", "write"])
def test_both_ends_by_one_command(driver, op):
    row, = rows(run("-driver", driver, "-op", op, "-size=64K", "-json", *SHORT))
    assert NUMBERS <= row.keys()
    assert (row["bench"], row["op"], row["driver"]) == ("transfer", op, driver)
    assert (row["size"], row["batch"], row["threads"]) == (65536, 8, 1)
    assert row["errors"] == 0
    assert row["gb_per_s"] > 0
    assert row["gb_per_s"] == pytest.approx(row["ops_per_s"] * 65536 / 1e9, rel=0.01)
    assert 0 < row["p50_us"] <= row["p99_us"] <= row["max_us"] * 1.05
    assert row["cpu_of"] == "both"
    # no more CPU than there was
    assert 0 < row["cpu_s_per_gb"] * row["gb_per_s"] < 64


def test_a_sweep_is_a_row_per_size():
    got = rows(run("-driver=shm", "-sweep=4K:1M:16", "-op=read,write", "-json", *SHORT))
    assert [(row["op"], row["size"]) for row in got] == [
        (op, size) for op in ("read", "write") for size in (4096, 65536, 1 << 20)]


def test_auto_is_shm_on_one_host():
    row, = rows(run("-size=4K", "-json", *SHORT))
    assert row["driver"] == "shm"


@pytest.mark.parametrize("driver", ["shm", "tcp"])
@pytest.mark.parametrize("op", ["read", "write"])
@pytest.mark.parametrize("ways", [["-complete=callback"], ["-complete=wait", "-threads=2"],
                                  ["-complete=poll"], ["-inline"]])
def test_each_byte_is_judged(driver, op, ways):
    row, = rows(run("-driver", driver, "-op", op, "-size=60000", "-verify", "-json", *ways,
                    *SHORT))
    assert row["errors"] == 0
    assert row["verified"] >= row["ops_per_s"] * row["seconds"] * 60000 * 0.9 > 0


def test_writes_do_not_spoil_later_reads():
    got = rows(run("-driver=tcp,shm", "-op=write,read", "-size=4K,1M", "-verify", "-json", *SHORT))
    assert len(got) == 8
    assert all(row["errors"] == 0 and row["verified"] > 0 for row in got)


def test_the_table_is_for_people():
    done = run("-driver=shm,tcp", "-size=64K", "-rounds=2", *SHORT)
    assert done.returncode == 0 and done.stderr == "", done
    tables = done.stdout.split("\n\n")
    assert len(tables) == 2
    for table, driver in zip(tables, ("shm", "tcp")):
        about, memory, head, row = table.strip().splitlines()
        assert about.startswith(f"{driver}: target ")
        assert memory.startswith("set of 16M; ours: 16 MiB of ")
        assert memory.endswith("; CPU seconds of both ends")
        assert head.split()[:3] == ["size", "op", "driver"]
        assert row.split()[:4] == ["64K", "read", driver, "8"]


class Page(html.parser.HTMLParser):
    """Checks that what is opened is closed, in order."""

    VOID = {"meta", "link"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.links, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_needs_nothing_else(tmp_path):
    path = tmp_path / "page.html"
    done = run("-driver=shm,tcp", "-sweep=4K:64K:4", "-html", path, *SHORT)
    assert done.returncode == 0, done
    text = path.read_text()
    page = Page(text)
    assert page.links == ["data:,"]
    assert page.tags.count("svg") == 2
    assert page.tags.count("polyline") == 2 * 3
    assert page.tags.count("tr") == 1 + 6
    assert f"mc-bench transfer -driver=shm,tcp -sweep=4K:64K:4 -html {path}" in text
    assert "prefers-color-scheme:dark" in text


# ---- split over two ----

@pytest.mark.parametrize("driver", ["shm", "tcp"])
def test_one_end_for_another(driver):
    with Target() as target:
        row, = rows(run("-peer", target.segment, "-driver", driver, "-size=64K", "-verify",
                        "-json", *QUICK))
    assert row["driver"] == driver
    assert row["cpu_of"] == "initiator"
    assert row["set"] == 16 << 20
    assert row["verified"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_target_ends_well(number):
    with Target() as target:
        target.process.send_signal(number)
        assert target.process.wait(10) == 0


def test_a_target_filled_otherwise_is_told_apart():
    with Target("-seed=2") as target:
        done = run("-peer", target.segment, "-driver=tcp", "-size=64K", "-verify", "-json", *QUICK)
        assert done.returncode == 2
        assert re.search(r"wrong byte at 0x[0-9a-f]+ \(\d+ in its buffer, 0 in a read of 64K\): "
                         r"0x[0-9a-f]{2}, not 0x[0-9a-f]{2}; a target that mc-bench did not fill "
                         r"needs -fill", done.stderr), done.stderr
        row, = rows(run("-peer", target.segment, "-driver=tcp", "-size=64K", "-verify", "-fill",
                        "-json", *QUICK))
        assert row["verified"] > 0


def test_names_are_registered_where_that_is_asked_for(cluster):
    master = cluster.master(metadata=True)
    row, = rows(run("-metadata", master.metadata, "-driver=tcp", "-size=64K", "-json", *SHORT))
    assert row["errors"] == 0


# ---- refusals ----

@pytest.mark.parametrize("flags, text", [
    (("-driver=verbs",), '-driver: "verbs" is not built into this version; give auto, shm or tcp'),
    (("-driver=mlx5",), '-driver: "mlx5" is not built into this version; give auto, shm or tcp'),
    (("-op=copy",), '-op: "copy" is no op; give read, write or read,write'),
    (("-sweep=4K",), '-sweep: "4K" is no range; give FROM:TO or FROM:TO:FACTOR, as in 4K:64M'),
    (("-target", "-op=read"), "-op: a target only serves; give it to the other end"),
    (("-size=1G",), "-buffer: 256M is less than one transfer of 1G; give more"),
    (("-html=/nowhere/page.html", "-size=4K"),
     "-html /nowhere/page.html: No such file or directory; give a file that can be written"),
])
def test_refusals_name_flag_value_and_fix(flags, text):
    done = run(*flags)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"mc-bench transfer: {text}\n"


def test_the_document_of_its_flags_is_up_to_date():
    done = run("-help_markdown")
    assert done.stdout == (ROOT / "doc/flags-bench.md").read_text()


def test_a_peer_that_is_not_there():
    start = time.monotonic()
    done = run("-peer=127.0.0.1:1", "-driver=tcp", "-timeout=2", "-json")
    assert done.returncode == 1
    assert "127.0.0.1:1: cannot open this segment" in done.stderr
    assert done.stdout == ""
    assert time.monotonic() - start < 15


def test_a_set_that_the_peer_does_not_have():
    with Target() as target:
        done = run("-peer", target.segment, "-set=1G", "-driver=tcp")
        assert done.returncode == 1
        assert f"{target.segment}: its largest buffer has 16M; give -set of at most that, not 1G" \
            in done.stderr


# ---- bad days ----

@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_with_what_there_was(running, number, code):
    process = running("-driver=tcp", "-size=64K", "-seconds=60", "-warmup=0.1", "-json",
                      "-buffer=16M")
    child = child_of(process)
    time.sleep(0.8)
    process.send_signal(number)
    out, err = process.communicate(timeout=15)
    assert process.returncode == code
    assert "ended early by a signal" in err
    row = json.loads(out)
    assert row["gb_per_s"] > 0 and row["errors"] == 0
    assert is_gone(child)


@pytest.mark.parametrize("driver", ["shm", "tcp"])
def test_a_target_that_is_killed(running, driver):
    process = running("-driver", driver, "-size=64K", "-seconds=60", "-warmup=0.1", "-json",
                      "-buffer=16M", "-timeout=5")
    child = child_of(process)
    time.sleep(0.8)
    os.kill(child, signal.SIGKILL)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "the target was killed by signal 9 (Killed) during read of 64K" in err, err
    assert json.loads(out)["gb_per_s"] > 0
    assert is_gone(child)


def test_a_peer_that_dies(running):
    with Target() as target:
        process = running("-peer", target.segment, "-driver=tcp", "-size=64K", "-seconds=60",
                          "-warmup=0.1", "-json", "-timeout=5")
        time.sleep(0.8)
        target.process.kill()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"{target.segment}: read of 64K failed: " in err, err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_no_target_outlives_it(running, number):
    process = running("-driver=tcp", "-size=64K", "-seconds=60", "-buffer=16M", "-timeout=2")
    child = child_of(process)
    time.sleep(0.5)
    if number == signal.SIGSTOP:
        # a target that stands still is ended by force
        os.kill(child, number)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    else:
        process.kill()
    processes.wait_until(lambda: is_gone(child), 10, "the target is gone too")


# ---- upstream ----

def upstream_bench():
    site = next((ROOT / ".venvs" / NEWEST).glob("lib/python3*/site-packages"))
    return site / "mooncake/transfer_engine_bench"


UPSTREAM = ("--metadata_server=P2PHANDSHAKE", "--local_server_name=127.0.0.1:0", "--protocol=tcp",
            "--block_size=65536", "--batch_size=4", "--threads=2", "--buffer_size=16777216")


def test_it_drives_an_upstream_target(tmp_path):
    log = tmp_path / "target.log"
    with open(log, "wb") as out:
        process = processes.spawn([upstream_bench(), "--mode=target", *UPSTREAM], stdout=out,
                                  stderr=out)
    try:
        def segment():
            text = log.read_text()
            found = re.search(r"listening on (\S+:\d+)", text)
            return found and "numa node num" in text and found.group(1)

        name = processes.wait_until(segment, 20, "the upstream target listens")
        time.sleep(0.5)
        got = rows(run("-peer", name, "-driver=tcp", "-op=write,read", "-size=64K,1M", "-verify",
                       "-fill", "-json", *QUICK))
        assert len(got) == 4
        assert all(row["errors"] == 0 and row["verified"] > 0 for row in got)
        assert {row["driver"] for row in got} == {"tcp"}
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("op", ["read", "write"])
def test_an_upstream_initiator_uses_our_target(op):
    with Target("-driver=tcp", "-buffers=2") as target:
        done = subprocess.run(
            ["setpriv", "--pdeathsig", "KILL", "--", upstream_bench(), "--mode=initiator",
             *UPSTREAM, f"--segment_id={target.segment}", f"--operation={op}", "--duration=1"],
            capture_output=True, text=True, timeout=40)
        assert done.returncode == 0, done
        batches = re.search(r"batch count (\d+)", done.stderr + done.stdout)
        assert batches and int(batches.group(1)) > 0, done
