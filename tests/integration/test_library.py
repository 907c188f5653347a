# SPDX-License-Identifier: Apache-2.0
"""libmooncore as it is installed: headers, pkg-config, what it exports, a program that uses it."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from support.master import BUILD, ROOT

pytestmark = pytest.mark.ours

HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=60, **options)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def sanitized():
    """A program that was not compiled so cannot load such a library."""
    return "build-asan" in BUILD.name or "build-tsan" in BUILD.name


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The prefix below which everything was installed."""
    place = tmp_path_factory.mktemp("installed")
    path = "/usr/bin:/bin:" + os.environ["PATH"]
    meson = shutil.which("meson", path=path)
    run(meson, "install", "-C", BUILD, "--no-rebuild", "--destdir", place,
        env={**os.environ, "PATH": path})
    return place / "usr/local"


@pytest.fixture(scope="module")
def library(installed):
    return next(installed.glob("lib/**/libmooncore.so"))


def test_programs_and_headers_are_installed(installed):
    public = {path.name for path in (ROOT / "include/mc").glob("*.h")}
    assert {path.name for path in (installed / "include/mc").iterdir()} == public
    assert {"mc-master", "mc-bench"} <= {path.name for path in (installed / "bin").iterdir()}


def test_exports_the_public_functions_and_nothing_else(library):
    run("python3", ROOT / "tools/check/exports", library)


def test_needs_no_library_of_dpdk(library):
    needed = re.findall(r"NEEDED.*\[(.*)\]", run("readelf", "-d", library))
    assert needed and not [name for name in needed if name.startswith("librte")]


@pytest.fixture(scope="module")
def program(installed, library, tmp_path_factory):
    if sanitized():
        pytest.skip("a library with a sanitizer in it is for programs that have it too")
    built = tmp_path_factory.mktemp("program") / "library_user"
    flags = run("pkg-config", "--cflags", "--libs", "mooncore",
                env={**os.environ, "PKG_CONFIG_PATH": str(library.parent / "pkgconfig"),
                     "PKG_CONFIG_SYSROOT_DIR": str(installed.parents[1])}).split()
    run("cc", "-Wall", "-Wextra", "-Werror", "-std=c99", "-o", built,
        HERE / "support/library_user.c", *flags, f"-Wl,-rpath,{library.parent}")
    return built


@pytest.mark.parametrize("cores", [[], [str(min(os.sched_getaffinity(0)))]],
                         ids=["keeper", "lcore"])
def test_a_program_uses_it(program, cluster, cores):
    master = cluster.master()
    version, name, code = run(program, master.address, *cores).split()
    assert code == "0" and name.startswith("127.0.0.1:") and version[0].isdigit()
    assert master.segments() == []
