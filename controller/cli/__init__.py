"""The command line: ``campaign-controller`` and ``python -m controller``.

Nothing heavy is imported before a command runs, so that ``--help`` and completion answer at once.
"""


def main() -> None:
    """Entry point of the console script."""
    from controller.cli.root import app

    app()
