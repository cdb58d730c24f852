"""Pieces of words that the writer writes: which of Moonshine's there are, and how a text is cut into them.

Only pieces of lower-case words are kept: what it writes has no case and no marks.
"""

import re
from pathlib import Path

from .errors import RecipeError

SPACE = "\u2581"  # begins a word
UNKNOWN, BEGIN, END = range(3)  # the first pieces, which are never text
FILE = "tokens.bin"
_PLAIN = re.compile(rf"{SPACE}?[a-z']+|{SPACE}")


def read(path: Path) -> list[bytes]:
    """A table of tokens: for each its length (one byte, or two from 128 on) and its bytes."""
    data, at, table = path.read_bytes(), 0, []
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length = data[at] * 128 + length - 128
            at += 1
        table.append(data[at : at + length])
        at += length
    if len(table) <= END:
        raise RecipeError(f"{path}: is no table of tokens; give Moonshine's tokenizer.bin")
    return table


def packed(table: list[bytes]) -> bytes:
    """The same form, as bytes; every token is shorter than 128 bytes here."""
    return b"".join(bytes([len(token)]) + token for token in table)


class Tokens:
    """The pieces that are kept, in their old order: a piece of a lower number is joined before one of a higher."""

    @staticmethod
    def read(path: Path) -> "Tokens":
        """Those of a table in a file."""
        return Tokens(read(path))

    def __init__(self, table: list[bytes]):
        texts = [token.decode("utf-8", "replace") for token in table]
        self.kept = [UNKNOWN, BEGIN, END] + [n for n, text in enumerate(texts) if n > END and _PLAIN.fullmatch(text)]
        self.texts = [texts[n] for n in self.kept]
        self.number = {text: n for n, text in enumerate(self.texts) if n > END}

    def __len__(self) -> int:
        return len(self.texts)

    def bytes(self) -> bytes:
        """The table as a pack holds it."""
        return packed([text.encode() for text in self.texts])

    def only(self, numbers: set[int]) -> "Tokens":
        """The same with fewer pieces: those numbered, and single letters."""
        fewer = object.__new__(Tokens)
        chosen = [n for n, text in enumerate(self.texts) if n <= END or n in numbers or len(text.removeprefix(SPACE)) <= 1]
        fewer.kept = [self.kept[n] for n in chosen]
        fewer.texts = [self.texts[n] for n in chosen]
        fewer.number = {text: n for n, text in enumerate(fewer.texts) if n > END}
        return fewer

    def cut(self, text: str) -> list[int]:
        """A text's pieces, word by word."""
        return [piece for word in text.lower().split() for piece in self.word(word)]

    def word(self, word: str) -> list[int]:
        """One word's pieces: of neighbours that make a piece together, those of the lowest number are joined first."""
        pieces = [SPACE, *word]
        while True:
            joined = [(self.number[a + b], at) for at, (a, b) in enumerate(zip(pieces, pieces[1:])) if a + b in self.number]
            if not joined:
                break
            at = min(joined)[1]
            pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
        unknown = [piece for piece in pieces if piece not in self.number]
        if unknown:
            raise RecipeError(f"{word!r} has {unknown}, which no token writes; only a to z and the apostrophe are known")
        return [self.number[piece] for piece in pieces]

    def text(self, row: list[int]) -> str:
        """What a row of pieces says."""
        return "".join(self.texts[n] for n in row if n > END).replace(SPACE, " ").strip()
