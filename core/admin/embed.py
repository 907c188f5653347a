#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py PAGE C_FILE: a C file with the bytes of the page, for core/admin/page.c."""

import pathlib
import sys

source, target = map(pathlib.Path, sys.argv[1:])
page = source.read_bytes()
rows = (page[at:at + 16] for at in range(0, len(page), 16))
body = "\n".join("\t" + " ".join(f"{byte}," for byte in row) for row in rows)
target.write_text(f"""/* Made from {source.name} by embed.py. */
#include "core/admin/private.h"

const char mc_admin_page[] = {{
{body}
}};
const size_t mc_admin_page_len = sizeof(mc_admin_page);
""")
