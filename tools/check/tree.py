# SPDX-License-Identifier: Apache-2.0
"""What the checks share: the files of the tree, C source without comments, how a check ends."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files(*patterns):
    """Files that git knows or would take, as paths relative to the root, sorted."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard",
         "--", *patterns], capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted({pathlib.Path(name) for name in listed if name and (ROOT / name).is_file()})


def text(path):
    return (ROOT / path).read_text()


TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code(path):
    """C source with comments and the insides of literals blanked; lines stay where they are."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return TOKEN.sub(blank, text(path))


INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)


def includes(path):
    """(line, '<' or '"', name) of each #include."""
    source = text(path)
    for match in INCLUDE.finditer(source):
        yield source.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2)


def finish(name, problems, looked_at):
    """One line per problem, a closing line, and the exit code."""
    for problem in problems:
        print(f"{name}: {problem}")
    if not looked_at:
        problems = ["nothing was looked at"]
    print(f"{name}: {looked_at} files, {len(problems)} problems")
    sys.exit(1 if problems else 0)
