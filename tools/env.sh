# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: where the tree is, and which tools to use. A machine may have
# another Python or meson in its PATH (pyenv, conda); the build uses the system's.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENVS=$ROOT/.venvs

# system NAME: /usr/bin/NAME where there is one, else what PATH has
system() {
	if [ -x "/usr/bin/$1" ]; then
		echo "/usr/bin/$1"
	else
		command -v "$1" || { echo "tools: $1 is missing: run tools/setup" >&2; return 1; }
	fi
}

say() {
	printf '== %s\n' "$*"
}

# A TCP port that nobody listens on.
free_port() {
	"$(system python3)" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}
