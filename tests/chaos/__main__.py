"""The chaos run by hand: ``uv run python -m tests.chaos --seconds 3600 --seed 7``."""

from __future__ import annotations

import argparse
import random
import sys

from .run import verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description="Silent refresh while everything goes wrong.")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", type=int, help="of the first minute; by default by chance")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    is_right = True
    for verdict in verdicts(seed, options.seconds):
        sys.stdout.write(f"{verdict}\n")
        is_right = (
            is_right
            and not verdict.violations
            and not (verdict.missing and options.seconds >= 60.0)
        )
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
