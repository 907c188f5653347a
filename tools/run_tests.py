# SPDX-License-Identifier: Apache-2.0
"""Runs the parts of the test suite and adds their counts up. Called by tools/test."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORES = len(os.sched_getaffinity(0))
# The system's meson, ninja and Python, whatever else comes first in PATH.
ENV = {**os.environ, "PATH": f"/usr/bin:/bin:{os.environ['PATH']}",
       "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
       "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
       "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:"
                       f"suppressions={ROOT}/tests/tsan.supp"}

# What has threads of its own: the rest is single-threaded or uses these.
TSAN_TESTS = re.compile(
    r"(eal|rpc|mem|peer|engine|store|conformance|drivers)/|master/table|mc-bench/transfer_run")
CHECK_LINE = re.compile(r"\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)")


class Tally:
    def __init__(self):
        self.passed, self.failures, self.skips = 0, [], []

    def fail(self, name, text=""):
        self.failures.append(name)
        print(f"FAILED {name}\n{text}".rstrip(), flush=True)

    def skip(self, name, reason):
        self.skips.append(f"{name}: {reason}")

    def close(self):
        for name in self.failures:
            print(f"failed: {name}")
        for skip in self.skips:
            print(f"skipped: {skip}")
        print(f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped",
              flush=True)
        return 1 if self.failures or not self.passed else 0


def run(command, **options):
    """Output and exit code; output goes nowhere else."""
    environment = {**ENV, **options.pop("env", {})}
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT,
                          env=environment, errors="replace", text=True, **options)
    return done.returncode, done.stdout


def tail(text, lines=60):
    return "\n".join(text.splitlines()[-lines:])


# ---- building ----

def introspected_tests(name):
    _, output = run(["meson", "introspect", "--tests", name])
    return json.loads(output)


def build(tally, name, wanted=None):
    """Builds all, or the programs of the tests that wanted() picks. True when it worked."""
    targets = []
    if wanted:
        code, output = run(["tools/build", name, "--configure"])
        if code:
            tally.fail(f"set-up of {name}", tail(output))
            return False
        programs = {test["cmd"][0] for test in introspected_tests(name) if wanted(test["name"])}
        targets = sorted(os.path.relpath(program, ROOT / name) for program in programs)
    code, output = run(["tools/build", name, *targets])
    if code:
        tally.fail(f"build of {name}", tail(output))
    return code == 0


# ---- running ----

def count_meson(tally, name, log):
    """A program of libcheck counts by its own closing line, any other as one test."""
    for line in log.read_text().splitlines():
        test = json.loads(line)
        title, output = f"{name} {test['name']}", test.get("stdout", "") + test.get("stderr", "")
        closing = CHECK_LINE.search(output)
        checks, failures, errors = map(int, closing.groups()) if closing else (1, 0, 0)
        if test["result"] == "SKIP":
            tally.skip(title, (output.strip().splitlines() or ["no reason given"])[-1])
        elif test["result"] == "OK":
            tally.passed += checks
        else:
            bad = max(1, failures + errors)
            tally.passed += max(0, checks - bad)
            tally.failures += [title] * (bad - 1)
            tally.fail(f"{title} ({test['result']})", tail(output))


def meson_test(tally, name, *arguments, prefix=()):
    log = ROOT / name / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    code, output = run([*prefix, "meson", "test", "-C", name, "--no-rebuild",
                        "--num-processes", CORES, *arguments])
    if not log.exists():
        tally.fail(f"tests of {name}", tail(output))
        return
    before = len(tally.failures)
    count_meson(tally, name, log)
    if code and len(tally.failures) == before:
        tally.fail(f"tests of {name}", tail(output))


def part_unit(tally, _):
    if build(tally, "build"):
        meson_test(tally, "build", "--suite", "unit")


def part_check(tally, _):
    for check in ("layers", "headers", "seam", "mirror", "hotpath", "style"):
        code, output = run(["/usr/bin/python3", ROOT / "tools/check" / check])
        if code:
            tally.fail(f"tools/check/{check}", output)
        else:
            tally.passed += 1


def part_asan(tally, options):
    if build(tally, "build-asan"):
        meson_test(tally, "build-asan", "--suite", "unit", "--timeout-multiplier", "3")
        if peers_are_there(tally, options):
            # PyTorch asks nothing of the master that the other tests do not
            pytest(tally, "build-asan", "-k", "not idle_master and not test_tensors",
                   label="asan ", env={"MC_TEST_SOAK_SECONDS": "8"})


def part_tsan(tally, _):
    if not build(tally, "build-tsan", TSAN_TESTS.match):
        return
    names = [test["name"] for test in introspected_tests("build-tsan")
             if TSAN_TESTS.match(test["name"])]
    if not names:
        tally.fail("build-tsan has no tests")
        return
    # gcc's runtime does not start where the kernel spreads addresses as far as newer ones do.
    fixed = ["setarch", os.uname().machine, "-R"]
    prefix = fixed if run([*fixed, "true"])[0] == 0 else ()
    meson_test(tally, "build-tsan", "--timeout-multiplier", "5", *names, prefix=prefix)


def fuzz_one(program, seconds):
    name = program.name[:-len("_fuzz")]
    found = ROOT / "build-fuzz" / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    code, output = run([program, found, ROOT / "tests/fuzz/corpus" / name,
                        f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
                        f"-artifact_prefix={ROOT}/build-fuzz/{name}-"], timeout=seconds + 120)
    return f"fuzz {name}", code, output


def part_fuzz(tally, options):
    sources = sorted((ROOT / "tests/fuzz").glob("*_fuzz.c"))
    if not build(tally, "build-fuzz"):
        return
    programs = [ROOT / "build-fuzz/tests/fuzz" / source.stem for source in sources]
    with concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        for name, code, output in pool.map(lambda p: fuzz_one(p, options.fuzz_seconds), programs):
            if code:
                tally.fail(name, tail(output))
            else:
                tally.passed += 1


def pytest(tally, name, *arguments, label="", env=None):
    """The integration tests, with the mc-master of a build directory."""
    report = ROOT / name / "pytest.xml"
    report.unlink(missing_ok=True)
    # Most of these tests wait for timers: more of them at a time than there are cores.
    code, output = run([ROOT / ".venvs/test/bin/python", "-m", "pytest", "tests/integration", "-q",
                        "-n", 2 * CORES, f"--junitxml={report}", *arguments],
                       env={"MC_TEST_BUILD": str(ROOT / name), **(env or {})})
    (ROOT / name / "pytest.log").write_text(output)
    before = len(tally.failures)
    if report.exists():
        count_junit(tally, report, label)
    if code and len(tally.failures) == before:
        tally.fail(f"{label}tests/integration", tail(output))


def part_integration(tally, options):
    if peers_are_there(tally, options) and build(tally, "build"):
        pytest(tally, "build", *options.pytest)


def peers_are_there(tally, options):
    if options.peers.wait():
        tally.fail("tools/peers", options.peers_log.read_text())
    return options.peers.returncode == 0


def count_junit(tally, report, label):
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        title = f"{label}{case.get('classname')}.{case.get('name')}"
        bad = case.find("failure")
        bad = case.find("error") if bad is None else bad
        skipped = case.find("skipped")
        if bad is not None:
            tally.fail(title, tail(bad.text or "", 40))
        elif skipped is not None:
            tally.skip(title, skipped.get("message"))
        else:
            tally.passed += 1


PARTS = {"unit": part_unit, "check": part_check, "integration": part_integration,
         "asan": part_asan, "tsan": part_tsan, "fuzz": part_fuzz}


def main():
    parser = argparse.ArgumentParser(prog="tools/test", description="Builds and runs the tests.")
    parser.add_argument("--only", metavar="PART,…", default=",".join(PARTS),
                        help="parts to run: " + ", ".join(PARTS))
    parser.add_argument("--fuzz-seconds", type=int, default=10, metavar="N",
                        help="how long each fuzzer runs (10)")
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    options = parser.parse_args()
    parts = options.only.split(",")
    unknown = set(parts) - PARTS.keys()
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if {"integration", "asan"} & set(parts):
        # in the background, while the first builds run
        (ROOT / ".venvs").mkdir(exist_ok=True)
        options.peers_log = ROOT / ".venvs/peers.log"
        with open(options.peers_log, "w") as log:
            options.peers = subprocess.Popen([ROOT / "tools/peers"], stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=log)
    tally, begin = Tally(), time.monotonic()
    for part in PARTS:
        if part in parts:
            start = time.monotonic()
            print(f"== {part}", flush=True)
            PARTS[part](tally, options)
            print(f"== {part}: {time.monotonic() - start:.0f} s, so far {tally.passed} passed, "
                  f"{len(tally.failures)} failed", flush=True)
    print(f"== all: {time.monotonic() - begin:.0f} s")
    sys.exit(tally.close())


main()
