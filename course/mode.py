"""How a notebook trains: on a GPU with the practical's settings, or on a CPU with small data."""

from typing import Literal

Mode = Literal["cpu", "gpu"]
