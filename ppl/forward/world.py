"""What expressions are evaluated in: the values of names, the axes, and the part of them that is looked at."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace

from ppl.forward.named import Named, spread
from ppl.source.diagnostic import ModelError, complain

Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class World:
    """`names` grow as statements are run. `sizes` and `labels` are those of the axes; `before` counts the positions of
    an axis that came before the first one here (a series that is continued). `windows` are the parts of axes that are
    looked at, first and one past the last; all of the others is."""

    names: MutableMapping[str, Named]
    sizes: Mapping[str, int]
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)

    def size(self, axis: str) -> int:
        """The length of a whole axis, whichever copy of it this is."""
        return self.sizes[axis] if axis in self.sizes else self.sizes[axis.rstrip("'")]

    def window(self, axis: str) -> Window:
        return self.windows.get(axis) or (0, self.size(axis))

    def length(self, axis: str) -> int:
        """The length of the part that is looked at."""
        start, stop = self.window(axis)
        return stop - start

    def spread(self, v: Named, *axes: str) -> Named:
        """The value with whole axes, along which it is constant where it lacked them."""
        for axis in axes:
            v = spread(v, axis, self.size(axis))
        return v

    def seen(self, windows: Mapping[str, Window | None]) -> "World":
        """The same world seen through other windows; None for the whole axis."""
        kept = {a: w for a, w in {**self.windows, **windows}.items() if w is not None}
        return replace(self, windows=kept)

    def level(self, axis: str, label: str) -> int:
        """The 0-based position of a label. Raises ModelError (E331) where the axis has no such level."""
        labels = self.labels.get(axis.rstrip("'")) or tuple(str(i + 1) for i in range(self.size(axis)))
        if label not in labels:
            listed = ", ".join(f'"{x}"' for x in labels[:8]) + (", …" if len(labels) > 8 else "")
            raise ModelError([complain("E331", None, name=axis, text=label, levels=listed, help="")])
        return labels.index(label)
