"""``python -m benchmarks``: what ``make bench`` runs.

``python -m benchmarks engine …`` (``ceilings``, ``planner``, ``peers``, ``pages``, ``governance``, ``studio``,
``builder``, ``building``) runs one part of it, with its options.
"""

from __future__ import annotations

import sys

from benchmarks import builder, building, ceilings, governance, pages, peers, planner, run, studio

SECTIONS = {
    "engine": run.main,
    "ceilings": ceilings.main,
    "planner": planner.main,
    "peers": peers.main,
    "pages": pages.main,
    "governance": governance.main,
    "studio": studio.main,
    "builder": builder.main,
    "building": building.main,
}


def main(arguments: list[str]) -> None:
    """One section, or all of them with what they measure when nothing is said."""
    if arguments and arguments[0] in SECTIONS:
        SECTIONS[arguments[0]](arguments[1:])
        return
    run.main(arguments)
    print()
    run.main(["--only", "diff", "--rows", "10000000"])
    print()
    ceilings.main([])
    print()
    planner.main([])
    print()
    peers.main([])
    print()
    pages.main([])
    print()
    governance.main([])
    print()
    studio.main([])
    print()
    builder.main([])
    print()
    building.main([])


main(sys.argv[1:])
