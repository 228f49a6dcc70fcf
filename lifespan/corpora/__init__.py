"""Corpora: text to develop on."""

from lifespan.corpora.micro import MicroText
from lifespan.corpora.text import DatasetText, TaskText, TextFiles

__all__ = ["DatasetText", "MicroText", "TaskText", "TextFiles"]
