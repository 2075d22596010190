"""The `spanbert` command: a table of commands, each imported only when it is chosen, and the exit codes.

Exit code 0: done. 2: the user's input is wrong, said in one line. 130: interrupted. 1: a fault of ours.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from cyclopts import App, CycloptsError

import spanbert
from spanbert.cli.launched import is_main_process
from spanbert.errors import MainProcessError, SettingsError, SpanbertError

# command -> (module:function, line of help); the help stands here so that `--help` imports no command
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": (
        "spanbert.cli.ask:demo",
        "Answer questions on the spot, offline, with the model in the package.",
    ),
    "ask": ("spanbert.cli.ask:ask", "Ask a question of files and folders."),
    "extract": ("spanbert.cli.extract:extract", "Find entities, clusters and relations in documents."),
    "predict": ("spanbert.cli.predict:predict", "Run a model over a file of data or standard input."),
    "embed": ("spanbert.cli.embed:embed", "Write the vector of each text of some files."),
    "evaluate": ("spanbert.cli.evaluate:evaluate", "Score a model on labelled data."),
    "finetune": ("spanbert.cli.finetune:finetune", "Train a task on labelled data."),
    "pretrain": (
        "spanbert.cli.pretrain:pretrain",
        "Pretrain an encoder on unlabelled text by masking spans.",
    ),
    "tokenizer": ("spanbert.cli.tokenizer:tokenizer", "Learn a WordPiece vocabulary from text files."),
    "inspect": ("spanbert.cli.inspect:inspect", "Say what a checkpoint holds and what it can do."),
    "convert": ("spanbert.cli.convert:convert", "Write any known checkpoint form as a Hugging Face folder."),
    "tasks": ("spanbert.cli.tasks:tasks", "List tasks with their data formats and commands to try them."),
}

SPINS = "1000"
"""Turns of a waiting thread of GNU's OpenMP before it sleeps."""

# A full or read-only disk, and paths that cannot be what the command needs.
DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
PATH_ERRORS = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP}


def build_app() -> App:
    """The command line as a cyclopts application."""
    app = App(
        name="spanbert",
        help="Span-based Transformer encoders: ask, extract, fine-tune, evaluate.",
        version=spanbert.__version__,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,
    )
    for name, (target, help_line) in COMMANDS.items():
        app.command(target, name=name, help=help_line)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    # Read when torch is loaded. A thread that waits for others spins for milliseconds when nothing is said;
    # beside another busy program a training took 14 times as long. On an idle machine this costs nothing.
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; errors of the user go to stderr as one line."""
    try:
        _check_command(arguments)
        build_app()(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _refuse("interrupted", 130)
    except BrokenPipeError:  # the reader of our output has gone, as in `spanbert ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        message = _mendable(error)
        if message is None:
            raise
        if isinstance(error, MainProcessError | CycloptsError) and not is_main_process():
            return 2  # the main process has met with the same, and says it
        return _refuse(message)
    return 0


def _check_command(arguments: Sequence[str]) -> None:
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        near = get_close_matches(arguments[0], COMMANDS)
        meant = (
            f"did you mean {' or '.join(map(repr, near))}?"
            if near
            else f"choose one of {', '.join(COMMANDS)}"
        )
        raise SettingsError(f"unknown command {arguments[0]!r}: {meant}")


def _mendable(error: Exception) -> str | None:
    """One line for an error that the user can mend; None for a fault of ours."""
    cause = error.__cause__ if isinstance(error, CycloptsError) else None
    for found in (cause, error):
        if type(found).__module__.startswith("pydantic"):  # a setting's value out of range
            from spanbert.workflows.settings import problems

            return problems(found)  # type: ignore[arg-type]
    if isinstance(error, SpanbertError | CycloptsError):
        return " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in DISK_ERRORS | PATH_ERRORS:
        return f"{error.filename or 'writing'}: {error.strerror}"
    return None


def _refuse(message: str, code: int = 2) -> int:
    print(f"spanbert: {message}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    main()
