"""Emoji by name: the common ones, which are completed, and any that Rich knows by another."""

from __future__ import annotations

import re

from rich.emoji import Emoji

COMMON = {
    "thumbsup": "👍", "thumbsdown": "👎", "heart": "❤", "joy": "😂", "smile": "😄",
    "grin": "😁", "wink": "😉", "sob": "😭", "cry": "😢", "angry": "😠", "thinking": "🤔",
    "open_mouth": "😮", "heart_eyes": "😍", "sunglasses": "😎", "sleepy": "😴", "shrug": "🤷",
    "clap": "👏", "pray": "🙏", "wave": "👋", "muscle": "💪", "ok_hand": "👌", "eyes": "👀",
    "fire": "🔥", "tada": "🎉", "rocket": "🚀", "star": "⭐", "sparkles": "✨", "sun": "☀",
    "rainbow": "🌈", "hundred": "💯", "check": "✅", "cross": "❌", "question": "❓",
    "warning": "⚠", "bulb": "💡", "bell": "🔔", "gift": "🎁", "cake": "🍰", "coffee": "☕",
    "tea": "🍵", "beer": "🍺", "wine": "🍷", "pizza": "🍕", "apple": "🍎", "cat": "🐱",
    "dog": "🐶", "bug": "🐛", "money": "💰", "euro": "💶", "dollar": "💵", "card": "💳",
    "violin": "🎻", "music": "🎵", "book": "📖", "pin": "📌", "lock": "🔒", "key": "🔑",
    "house": "🏠", "car": "🚗", "train": "🚆", "plane": "✈", "hourglass": "⏳", "skull": "💀",
}  # fmt: skip
_CHARS_MAX = 16
_NAMED = re.compile(r":([a-z_]{2,16}):")


def find(word: str) -> str | None:
    """The emoji that `word` is, or names as `:heart:` or `heart`; `None` if it is none."""
    bare = word.strip(":")
    if bare in COMMON:
        return COMMON[bare]
    if bare.isascii():
        found = Emoji.replace(f":{bare}:")
        return found if not found.isascii() else None
    return word if len(word) <= _CHARS_MAX and not any(map(_is_letter, word)) else None


def expand(text: str) -> str:
    """`text` with the common names, written as `:heart:`, as emoji."""
    return _NAMED.sub(lambda found: COMMON.get(found[1], found[0]), text)


def _is_letter(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()
