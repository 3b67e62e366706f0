"""Text from others, made harmless for a terminal."""

from __future__ import annotations

_PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
_C1 = dict.fromkeys(range(0x80, 0xA0), "\ufffd")
# Marks that turn the reading direction or hide: "pay @bob" must not be shown as "pay @alice".
_INVISIBLE = dict.fromkeys(
    [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF], "\ufffd"
)
_ONE_LINE = _PICTURES | _C1 | _INVISIBLE
_LINES = {code: shown for code, shown in _ONE_LINE.items() if code != 0x0A} | {0x09: "    "}


def one_line(text: str) -> str:
    """`text` on one line: control characters as their pictures, such as ␊ for a line feed."""
    return text.translate(_ONE_LINE)


def lines(text: str) -> str:
    """`text` with its line breaks, and every other control character as its picture."""
    return text.replace("\r\n", "\n").translate(_LINES)
