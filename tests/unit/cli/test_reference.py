from __future__ import annotations

from pathlib import Path

import typer

from controller.cli.root import app

DOCS = Path(__file__).parents[3] / "docs"


def test_the_reference_names_every_command_and_option() -> None:
    text = (DOCS / "cli.md").read_text()
    missing = []
    root = typer.main.get_command(app)

    def visit(command: object, name: str) -> None:
        for child, below in getattr(command, "commands", {}).items():
            visit(below, f"{name} {child}".strip())
        if not hasattr(command, "commands"):
            if f"`{name}" not in text:
                missing.append(name)
            for parameter in getattr(command, "params", []):
                missing.extend(
                    f"{name} {opt}" for opt in parameter.opts if opt.startswith("--") and opt not in text
                )

    visit(root, "")
    assert not missing
