"""Where results go: a JSON file with every round, and the tables as Markdown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_results(
    folder: Path,
    name: str,
    title: str,
    machine: dict[str, Any],
    record: dict[str, Any],
    tables: str,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"machine": machine, **record}, indent=1, default=str)
    (folder / f"{name}.json").write_text(content, encoding="utf-8")
    details = "\n".join(f"- {key}: {value}" for key, value in machine.items())
    (folder / f"{name}.md").write_text(
        f"# {title}, {machine['date']}\n\n{tables}\n\n## Machine\n\n{details}\n", encoding="utf-8"
    )
