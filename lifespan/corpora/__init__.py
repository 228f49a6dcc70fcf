"""Corpora: text to develop on."""

from lifespan.corpora.micro import MicroText
from lifespan.corpora.minimal_pairs import MicroPairs, PairFile
from lifespan.corpora.text import DatasetText, TaskText, TextFiles

__all__ = ["DatasetText", "MicroPairs", "MicroText", "PairFile", "TaskText", "TextFiles"]
