"""Reads a report for people as a browser would, and says what is wrong with it."""

import itertools
from html.parser import HTMLParser

HOSTILE = '"><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)>&amp;$title${x} camera'
"""A name that would do harm if it were taken for more than text."""

_VOID = {"meta", "img", "br", "link", "input", "hr"}
_HEADINGS = {"h1", "h2", "h3"}
_FORBIDDEN = {"script", "link", "iframe", "object", "form", "base"}
_EMBEDDED = "data:image/png;base64,"


class Reader(HTMLParser):
    """Keeps elements and texts, and what is wrong with the nesting."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.problems: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.problems += [f"{tag} is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split()).replace("\N{NO-BREAK SPACE}", " ")

    def pictures(self) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == "img"]


def problems_of(page: str) -> list[str]:
    """Return what is wrong: nesting, headings out of order, scripts, and whatever reaches out of the file."""
    reader = Reader(page)
    problems = [*reader.problems, *(tag for tag in reader.tags if tag in _FORBIDDEN)]
    for tag, attributes in reader.elements:
        problems += [f"{tag} {name}" for name in attributes if name.startswith("on")]
        problems += [f"{tag} {name}" for name in attributes if name in {"href", "srcset", "action"}]
        problems += [f"{tag} src" for name, value in attributes.items() if name == "src" and not _is_embedded(value)]
    problems += [text for text in ("url(", "@import", "://") if text in page]
    levels = [int(tag[1]) for tag in reader.tags if tag in _HEADINGS]
    if levels[:1] != [1] or levels.count(1) != 1:
        problems.append(f"headings {levels}")
    problems += [f"h{b} after h{a}" for a, b in itertools.pairwise(levels) if b - a > 1]
    return problems


def _is_embedded(source: str | None) -> bool:
    return source is not None and source.startswith(_EMBEDDED)
