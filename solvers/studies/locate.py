"""Line numbers of the keys of a TOML text.

The standard library's parser tells no positions, and the error messages of a study need them. A text
comes here only after that parser has accepted it, so this scanner may trust its form.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[\s,]|#[^\n]*)*")
_KEY = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([A-Za-z0-9_-]+))\s*")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""+|\'\'\'.*?\'\'\'+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[Path, int]:
    r"""Map every key path of a valid TOML text to its one-based line; array elements count by index.

    Examples
    --------
    >>> lines = key_lines("[solver]\nmethod = 'RK4'\n[[objective]]\nkind = 'final'\n")
    >>> lines["solver", "method"], lines["objective", 0, "kind"]
    (2, 4)
    """
    return _Scanner(text).scan()


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """Return the line of the longest known beginning of ``path``."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


class _Scanner:
    """A cursor over the text that notes where each key begins."""

    def __init__(self, text: str):
        self.text, self.position = text, 0
        self.lines: dict[Path, int] = {}
        self.elements: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        prefix: Path = ()
        while self._skip_blank() < len(self.text):
            if self.text[self.position] == "[":
                prefix = self._header()
            else:
                self._assignment(prefix)
        return self.lines

    def _skip_blank(self) -> int:
        self.position = _BLANK.match(self.text, self.position).end()
        return self.position

    def _dotted_key(self) -> Path:
        names = []
        while True:
            match = _KEY.match(self.text, self.position)
            names.append(next(part for part in match.groups() if part is not None))
            self.position = match.end()
            if self.text[self.position] != ".":
                return tuple(names)
            self.position += 1

    def _header(self) -> Path:
        brackets = 2 if self.text.startswith("[[", self.position) else 1
        start = self.position
        self.position += brackets
        names = self._dotted_key()
        self.position += brackets
        path: Path = ()
        for depth, name in enumerate(names, start=1):
            path = (*path, name)
            if brackets == 2 and depth == len(names):
                self.elements[path] = self.elements.get(path, -1) + 1
            if path in self.elements:
                path = (*path, self.elements[path])
        self._note(path, start)
        return path

    def _assignment(self, prefix: Path) -> None:
        start = self.position
        path = (*prefix, *self._dotted_key())
        self._note(path, start)
        self.position += 1  # the equals sign
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip_blank()
        string = _STRING.match(self.text, self.position)
        if string:
            self.position = string.end()
        elif self.text[self.position] == "{":
            self.position += 1
            while self.text[self._skip_blank()] != "}":
                self._assignment(path)
            self.position += 1
        elif self.text[self.position] == "[":
            self.position += 1
            index = 0
            while self.text[self._skip_blank()] != "]":
                self._note((*path, index), self.position)
                self._value((*path, index))
                index += 1
            self.position += 1
        else:
            self.position = _SCALAR.match(self.text, self.position).end()

    def _note(self, path: Path, start: int) -> None:
        line = self.text.count("\n", 0, start) + 1
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
