"""Options that are times."""

from typing import Any

import click


class Duration(click.ParamType[float]):
    """Seconds, or `30s`, `10m`, `1h`."""

    name = "time"
    units = {"s": 1.0, "m": 60.0, "h": 3600.0}  # noqa: RUF012

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        unit = self.units.get(text[-1:], 0.0)
        try:
            seconds = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            seconds = -1.0
        if not seconds > 0:
            self.fail(f"`{text}` is not a time: write 60, 60s, 10m or 1h", param, ctx)
        return seconds


SECONDS = click.option(
    "--time", "max_seconds", type=Duration(), default="10m", help="Stop after 60s, 10m, 1h.  [default: 10m]"
)
