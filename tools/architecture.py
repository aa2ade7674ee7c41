"""The layers of relufast's modules, from docs/architecture.md, and what its modules import.

python tools/architecture.py [PICTURE.svg]
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Import(NamedTuple):
    module: str
    imported: str  # a module, of relufast or not
    deferred: bool  # to the call of a function


def layers() -> dict[str, list[str]]:
    """The modules that each row of the table names, from the top layer down."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w ]+) \| (`[^|]+`) \| [^|]+ \|$", page, flags=re.MULTILINE)
    return {name: [_full(module) for module in modules.split()] for name, modules in rows}


def layer_of(module: str) -> str:
    """That of the longest name in the table that the module has or lies below."""
    places = [
        (entry, name)
        for name, entries in layers().items()
        for entry in entries
        if module == entry or (entry != "relufast" and module.startswith(f"{entry}."))
    ]
    if not places:
        raise KeyError(f"{module} has no layer in docs/architecture.md")
    return max(places, key=lambda place: len(place[0]))[1]


def modules() -> dict[str, Path]:
    """All of relufast, with _core by its stub."""
    files = [*ROOT.glob("relufast/**/*.py"), ROOT / "relufast/_core.pyi"]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files
    }


def imports() -> list[Import]:
    """All that is imported at run time, by whichever function."""
    files = modules()
    return [
        found
        for module, file in files.items()
        if file.suffix == ".py"
        for found in _imports_below(module, ast.parse(file.read_text("utf-8")), files, False)
    ]


def _full(entry: str) -> str:
    name = entry.strip("`")
    return name if name == "relufast" else f"relufast.{name}"


def _imports_below(
    module: str, node: ast.AST, files: dict[str, Path], deferred: bool
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ImportFrom):
            assert child.module, f"{module} has a relative import"
            for alias in child.names:
                whole = f"{child.module}.{alias.name}"
                yield Import(module, whole if whole in files else child.module, deferred)
        elif isinstance(child, ast.Import):
            yield from (Import(module, alias.name, deferred) for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from _imports_below(module, other, files, deferred)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports_below(module, child, files, deferred or inside)


def draw() -> None:
    """Layers as boxes, the top one above, and imports between them as arcs."""
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

    names = list(layers())
    known = modules()
    sizes = Counter(layer_of(module) for module in known)
    between = Counter(
        (layer_of(one.module), layer_of(one.imported)) for one in imports() if one.imported in known
    )
    height = len(names)
    _, axes = plt.subplots(figsize=(6, 0.62 * height), layout="constrained")
    axes.set(xlim=(0, 4.6), ylim=(-0.1, height))
    axes.set_axis_off()
    for row, name in enumerate(names):
        y, colour = height - 1 - row, f"C{row}"
        axes.add_patch(
            FancyBboxPatch(
                (0.1, y + 0.2), 2.8, 0.55, boxstyle="round,pad=0.05", fc="none", ec=colour, lw=1.5
            )
        )
        modules_of_it = "1 module" if sizes[name] == 1 else f"{sizes[name]} modules"
        axes.text(0.2, y + 0.475, name, va="center", weight="bold")
        axes.text(2.8, y + 0.475, modules_of_it, va="center", ha="right", size="small")
    for (above, below), count in between.items():
        start, end = names.index(above), names.index(below)
        if start == end:
            continue
        axes.add_patch(
            FancyArrowPatch(
                (2.98, height - start - 0.6),
                (2.98, height - end - 0.45),
                connectionstyle="arc3,rad=-0.55",
                arrowstyle="-|>",
                mutation_scale=9,
                lw=0.5 + count**0.5 / 3,
                color=f"C{start}",
                alpha=0.75,
            )
        )


if __name__ == "__main__":
    for layer, entries in layers().items():
        print(f"{layer}: {' '.join(entries)}")
    if sys.argv[1:]:
        import matplotlib.pyplot

        draw()
        matplotlib.pyplot.savefig(sys.argv[1])
