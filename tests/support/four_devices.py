"""``python -m tests.support.four_devices FOLDER``: the tiny run on all devices, its views made there too.

It prints, as JSON, how many devices the weights lie on at the end, and how often each program was compiled.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import jax

from tests.support import tiny_run

COMPILED = "/jax/core/compile/backend_compile_duration"


def main(folder: str) -> None:
    compiled: Counter[str] = Counter()

    def count(event: str, seconds: float, *, fun_name: str = "", **about: Any) -> None:
        if event == COMPILED:
            compiled[fun_name] += 1

    jax.monitoring.register_event_duration_secs_listener(count)
    result = tiny_run.train(folder, on_device=True)
    weights = jax.tree.leaves(result.state.opt_state.params)
    print(json.dumps({"devices": len(weights[0].devices()), "compiled": compiled}))


if __name__ == "__main__":
    main(*sys.argv[1:])
