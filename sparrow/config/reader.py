"""YAML to a tree of nodes with lines: the only module that knows yaml.

Law: the language is YAML 1.2 with its core schema, less octal and hexadecimal
numbers: only `true` and `false` are booleans, `yes`, `on`, `01:30` and
`2024-01-01` are text, and a number with a dot keeps its digits (a `Decimal`).
A key stands once. Start from `read_document`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from sparrow.config.tree import Entry, ListNode, MapNode, Node, Scalar
from sparrow.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_REPEATED = 1_000_000
"""Values that aliases may stand for, all together: 16 lines of aliases can stand for 10**15."""

_TAG = "tag:yaml.org,2002:"
_STR = _TAG + "str"
_MAP = _TAG + "map"
_SEQ = _TAG + "seq"

# YAML 1.2.2 section 10.3.2. An int of more digits than any key can have is left
# to the pattern of floats, because Python refuses to convert huge ones.
_SCALARS: dict[str, tuple[re.Pattern[str], Callable[[str], object]]] = {
    _TAG + "null": (re.compile(r"(?:null|Null|NULL|~|)\Z"), lambda _: None),
    _TAG + "bool": (
        re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
        lambda text: text.lower() == "true",
    ),
    _TAG + "int": (re.compile(r"[-+]?[0-9]{1,40}\Z"), int),
    _TAG + "float": (
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        lambda text: Decimal(re.sub(r"\.(?=[inIN])", "", text)),
    ),
}


class _CoreLoader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML down to its nodes, with the core schema in place of YAML 1.1's."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


for _tag, (_pattern, _) in _SCALARS.items():
    _CoreLoader.add_implicit_resolver(_tag, _pattern, None)


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was written, and what is already known to be wrong with it."""

    root: MapNode
    """The whole file; of a key that stands twice, the first."""
    problems: tuple[Problem, ...]
    """Keys that stand twice."""


def read_document(text: str, file: str) -> Document:
    """Read a mapping from YAML text.

    `file` is named in problems. Raises `InputError` with one problem for a syntax
    error, and with all of them for values that no configuration can hold.
    """
    top = _compose(text, file)
    if top is None or (isinstance(top, yaml.ScalarNode) and top.value == ""):
        raise InputError([Problem("the file is empty: see docs/configuration.md", file, 1)])
    conversion = _Conversion(file)
    try:
        root = conversion.convert(top, top.start_mark.line + 1)
    except RecursionError:  # aliases may nest deeper than what is written
        raise InputError([_nested_too_deeply(file)]) from None
    if not isinstance(root, MapNode):
        what = "the file must hold keys such as 'sites:' and 'zones:' at its top level"
        raise InputError([Problem(what, file, root.line)])
    if conversion.fatal:
        raise InputError([*conversion.fatal, *conversion.repeated])
    return Document(root, tuple(conversion.repeated))


def _compose(text: str, file: str) -> yaml.Node | None:
    """Let PyYAML read `text`; give None where it holds no document."""
    loader = None
    try:
        loader = _CoreLoader(text)
        node: yaml.Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        problem = _syntax_problem(error, text, file)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"the character U+{error.character:04X} is not allowed in YAML: remove it"
        problem = Problem(what, file, line)
    except RecursionError:
        problem = _nested_too_deeply(file)
    except (ValueError, OverflowError):
        # PyYAML converts the digits of an escape or a directive without looking.
        line = loader.line + 1 if loader else 1
        problem = Problem("an escape or a directive here holds no valid number", file, line)
    else:
        return node
    raise InputError([problem])


def _nested_too_deeply(file: str) -> Problem:
    return Problem("the file is nested too deeply", file)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """Say what PyYAML says, where, and what most often is the cause."""
    mark = error.problem_mark or error.context_mark
    what = ": ".join(part for part in (error.context, error.problem) if part)
    if mark is None:
        return Problem(f"this is not YAML: {what}", file)
    began = error.context_mark
    if began is not None and began.line < mark.line:
        what += f", in what began on line {began.line + 1}"
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    hint = _syntax_hint(what, line, mark.column)
    return Problem(f"this is not YAML: {what}{hint}", file, mark.line + 1)


def _syntax_hint(what: str, line: str, column: int) -> str:
    """Say what most often is behind a syntax error at a column of a line."""
    before = line[: column + 1]
    if "\t" in before:
        return " (indent with spaces, not with tabs)"
    if line.startswith("::", column):
        return ' (an address that starts with a colon must be quoted: write "::1")'
    if "alias" in what or before[-1:] in tuple("@`%*&!|>"):
        return ' (text that starts with a sign must be quoted: write "@" or "*.cdn")'
    if "single document" in what:
        return " (a file holds one document: remove the second '---')"
    if "mapping values are not allowed" in what:
        return " (check the indentation above, and quote text that holds ': ')"
    return ""


@dataclass(slots=True)
class _Conversion:
    """The way from PyYAML's nodes to ours, and what was found on it."""

    file: str
    """Name for problems."""
    fatal: list[Problem] = field(default_factory=list)
    """Values that no configuration can hold."""
    repeated: list[Problem] = field(default_factory=list)
    """Keys that stand twice."""
    open_nodes: set[int] = field(default_factory=set)
    """Identities of the nodes around the one being converted, to find circles of aliases."""
    known: set[int] = field(default_factory=set)
    """Identities of the mappings and lists that were converted."""
    repeated_count: int = 0
    """Values that aliases have stood for so far."""
    written_line: int = 1
    """Line of the mapping or list that is being converted and is not an alias's."""

    def convert(self, node: yaml.Node, line: int) -> Node:
        """Convert a node; `line` is the line of the key above a mapping or list.

        Raises `InputError` where aliases stand for more than can be meant.
        """
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self.open_nodes:
            return self._refuse(node, "this alias stands for something that it is a part of")
        self._count_repeated(node, line)
        self.open_nodes.add(id(node))
        try:
            return self._collection(node, line)
        finally:
            self.open_nodes.remove(id(node))

    def _count_repeated(self, node: yaml.Node, line: int) -> None:
        if id(node) not in self.known:
            self.known.add(id(node))
            self.written_line = line
            return
        self.repeated_count += 1 + len(node.value)
        if self.repeated_count > MAX_REPEATED:
            what = f"with those here aliases stand for over {MAX_REPEATED} values: use fewer"
            raise InputError([Problem(what, self.file, self.written_line)])

    def _collection(self, node: yaml.Node, line: int) -> Node:
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
            items = [self.convert(item, item.start_mark.line + 1) for item in node.value]
            return ListNode(tuple(items), line)
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return MapNode(self._entries(node), line)
        return self._refuse(node, f"the tag {node.tag!r} has no meaning here: remove it")

    def _entries(self, node: yaml.MappingNode) -> tuple[Entry, ...]:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            value = self.convert(value_node, line)
            # Whatever it looks like, a key is a name: `64:` needs no quotes.
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or not key.strip():
                self._refuse(key_node, "a key must be a name")
            elif key in entries:
                what = f"the key {key!r} stands here again, first on line {entries[key].line}"
                self.repeated.append(Problem(f"{what}: keep one of them", self.file, line))
            else:
                entries[key] = Entry(key, line, value)
        return tuple(entries.values())

    def _scalar(self, node: yaml.ScalarNode) -> Node:
        line = node.start_mark.line + 1
        text: str = node.value
        if re.search("[\ud800-\udfff]", text):
            return self._refuse(node, "half of a surrogate pair is not a character: write \\U...")
        if node.tag == _STR:
            return Scalar(text, line)
        pattern, parse = _SCALARS.get(node.tag, (None, None))
        if pattern is None or parse is None or not pattern.match(text):
            return self._refuse(node, f"the tag {node.tag!r} has no meaning here: remove it")
        return Scalar(parse(text), line)

    def _refuse(self, node: yaml.Node, what: str) -> Scalar:
        line = node.start_mark.line + 1
        self.fatal.append(Problem(what, self.file, line))
        return Scalar(None, line)
