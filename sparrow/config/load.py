"""From a file to a `Config`, or to everything that is wrong with the file.

Law: all problems are reported at once, each with file and line. What pydantic
refuses is cut out of the tree and the rest is validated and checked without it,
so that one wrong value does not hide what is wrong elsewhere; a finding that
rests on a part that was cut out is dropped. Start from `load_config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sparrow.config.check import check_config
from sparrow.config.locate import MAX_OCTETS
from sparrow.config.model import Config
from sparrow.config.reader import read_document
from sparrow.config.tree import line_at, plain, prune, render_path, resolve
from sparrow.config.wording import word_error
from sparrow.errors import InputError, Problem
from sparrow.sources.octets import load_octets

if TYPE_CHECKING:
    from sparrow.config.findings import Finding
    from sparrow.config.tree import Node, Path


@dataclass(frozen=True, slots=True)
class Lines:
    """Where in its file a configuration says what."""

    file: str
    """The file as the operator named it."""
    root: Node
    """The document."""

    def find(self, path: Path) -> int:
        """Give the line of a value, or of what encloses it where it was left to its default.

        A step is a key, or the position of an entry: `("zones", 0, "steer", 1)` is
        the second steered name of the first zone, however either is written.
        """
        return line_at(self.root, path)

    def problem(self, path: Path, what: str) -> Problem:
        """Make a problem with a value out of a message, which is led by the value's key."""
        place = render_path(resolve(self.root, path))
        return Problem(f"{place}: {what}" if place else what, self.file, self.find(path))


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A configuration that can be served, and what its author may want to hear."""

    config: Config
    """The configuration."""
    warnings: tuple[Problem, ...]
    """What is allowed but doubtful, in the order of the file."""
    lines: Lines
    """For problems that show only later, with tables and zone files at hand."""


def load_config(path: str) -> LoadedConfig:
    """Read and check the configuration in the file `path`.

    Raises `InputError` with all that is wrong, in the order of the file.
    """
    try:
        content = load_octets(path, MAX_OCTETS)
    except IsADirectoryError:
        raise InputError([Problem("this is a folder: name the file in it", path)]) from None
    except FileNotFoundError:
        raise InputError([Problem("there is no such file", path)]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError([Problem(f"cannot be read: {reason}", path)]) from None
    return parse_config(_decode_text(content, path), path)


def _decode_text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"the octet 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8"
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError([Problem(what, path, line)]) from None


def parse_config(text: str, file: str) -> LoadedConfig:
    """Read and check a configuration from text.

    `file` is named in problems, and paths in the text are relative to its
    folder. Raises `InputError` with all that is wrong, in the order of the file.
    """
    document = read_document(text, file)
    folder = str(FilePath(file).absolute().parent)
    config, root, refusals = _validate(document.root, folder)
    lines = Lines(file, root)
    cut = [refusal.path for refusal in refusals]
    findings = [finding for finding in check_config(config) if _stands(finding, root, cut)]
    errors = [
        *document.problems,
        *(Problem(r.what, file, r.line) for r in refusals if r.is_first),
        *(_finding_problem(f, lines) for f in findings if not f.is_warning),
    ]
    if errors:
        raise InputError(_in_order(errors))
    warnings = [_finding_problem(f, lines) for f in findings if f.is_warning]
    return LoadedConfig(config, tuple(_in_order(warnings)), lines)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A part that pydantic did not take."""

    path: Path
    """The part, as the document has it."""
    line: int
    """Where to look."""
    what: str
    """What is wrong with it."""
    is_first: bool
    """False where it is wrong only because of what was cut out of it."""


def _validate(root: Node, folder: str) -> tuple[Config, Node, list[_Refusal]]:
    """Give the configuration without what is refused, its tree, and what was.

    Each round cuts out at least one node, and what is left of nothing is valid,
    so there is an end.
    """
    refusals: list[_Refusal] = []
    while True:
        try:
            config = Config.model_validate(plain(root), context={"folder": folder})
        except ValidationError as error:
            words = [word_error(detail, root) for detail in error.errors(include_url=False)]
            is_first = not refusals
            refusals += [_Refusal(path, line, what, is_first) for path, line, what in words]
            root = prune(root, {path for path, _, _ in words})
        else:
            return config, root, refusals


def _stands(finding: Finding, root: Node, cut: list[Path]) -> bool:
    """Tell whether nothing that a finding relies on was cut out, in part or as a whole."""
    return not any(
        gone[: len(needed)] == needed[: len(gone)]
        for gone in cut
        for needed in (_keys(root, path) for path in finding.needs)
    )


def _keys(root: Node, path: Path) -> Path:
    """Give `path` with positions in mappings as keys, beyond the document as it is."""
    known = resolve(root, path)
    return known + path[len(known) :]


def _finding_problem(finding: Finding, lines: Lines) -> Problem:
    what = finding.what
    if finding.other is not None:
        what = f"{what} (the other stands on line {lines.find(finding.other)})"
    return lines.problem(finding.path, what)


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Sort by line and say the same thing once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
