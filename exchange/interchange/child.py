"""Reads one file of catalogue entries in a process of its own, whose memory, time and output are bounded.

What strangers' files do to a reader ends this process and not the exchange. The file comes on standard input,
what is read of it goes to standard output as JSON (`catalogue.interchange.model.Read`).
"""

import resource
import sys

import msgspec

from exchange.interchange.parsing import Asked, parse_file

MEMORY = 448 * 1024 * 1024
CPU_S = 9
OUTPUT = 128 * 1024 * 1024


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT, OUTPUT))
    asked = msgspec.json.decode(sys.argv[1], type=Asked)
    read = parse_file(sys.stdin.buffer.read(), asked)
    sys.stdout.buffer.write(msgspec.json.encode(read))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
