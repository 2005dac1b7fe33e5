"""Another process of the run: ``python -m tests.chaos.worker ORDERS``, as JSON."""

from __future__ import annotations

import json
import sys

from .program import Orders, carry_out

if __name__ == "__main__":
    carry_out(Orders(**json.loads(sys.argv[1])))
