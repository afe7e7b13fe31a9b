"""The two sides of a run that several processes share: the one that leads, and those that follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course.training.torch.loop import TorchProgram
from course.training.torch.processes import (
    SharedNetwork,
    ignore_stop_signals,
    receive_batch,
    receive_object,
    send_batch,
    send_object,
)


class LeadingProgram(TorchProgram):
    """The program of the process that leads others: they make each of its steps with it."""

    def advance(self, batch: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
        """One update, made by all."""
        if self.network is self.state.model:
            send_object(self.as_checkpoint({}))
            self.network = SharedNetwork(self.state.model)
        return super().advance(send_batch(batch, self.device))


def follow(program: TorchProgram) -> None:
    """Make the steps of the process that leads until it ends the run."""
    ignore_stop_signals()
    begun = receive_object()
    if begun is None:
        return
    program.take_up(begun)
    program.network = SharedNetwork(program.state.model)
    while (batch := receive_batch(program.device)) is not None:
        program.advance(batch)
