"""Encrypts its standard input to its standard output; started by ``encryption``, with the keys first.

A program of its own, because the library does not let Python go on while it works,
and only reads and writes whole files: here the files are the two ends of pipes.
It is run by its path and imports nothing of Headrace, so it starts at once.
"""

import os
import sys

from pysequoia import Cert, encrypt_file

SIZE_BYTES = 8


def main() -> None:
    """Read the size of the keys, the keys, and then what is to be encrypted."""
    keys = Cert.split_bytes(_exactly(int.from_bytes(_exactly(SIZE_BYTES), "big")))
    try:
        encrypt_file("/dev/stdin", "/dev/stdout", recipients=keys, armor=False)
    except RuntimeError as error:
        # The rest is a trace of the library's inside.
        sys.exit(str(error).partition("\n")[0])


def _exactly(size: int) -> bytes:
    # Unbuffered: what follows belongs to the library, which opens the pipe for itself.
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            sys.exit("The keys ended early.")
        data += piece
    return data


if __name__ == "__main__":
    main()
