"""The command line in this process: what one of its own would say, without its start."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest.mock import patch

from ovsharp.cli.main import run


def streamed(*arguments: object, given: bytes = b"") -> CompletedProcess[bytes]:
    """Run `ovsharp ARGUMENTS` on what standard input gives: exit code, stdout and stderr.

    For what belongs to a process (a signal, a pipe, what is imported) start one instead.
    """
    words = [str(word) for word in arguments]
    stdin, stdout, stderr = (
        io.TextIOWrapper(io.BytesIO(part), "utf-8") for part in (given, b"", b"")
    )
    with (
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        patch.object(sys, "stdin", stdin),
        patch.object(sys, "argv", ["ovsharp", *words]),
    ):
        try:
            run()
        except SystemExit as end:
            code = end.code
    told = []
    for stream in (stdout, stderr):
        stream.flush()
        told.append(stream.buffer.getvalue())
    return CompletedProcess(words, code, *told)


def ovsharp(*arguments: object) -> CompletedProcess[str]:
    """Run `ovsharp ARGUMENTS`, and give what its user sees as text."""
    ran = streamed(*arguments)
    return CompletedProcess(ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode())
