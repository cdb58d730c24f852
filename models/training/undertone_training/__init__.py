"""The recipe that trains Undertone's model packs, from corpora on disk to a pack folder."""

__version__ = "0.1.0"
