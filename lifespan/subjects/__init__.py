"""Origins of subjects: built-in and pre-trained bodies."""

from lifespan.subjects.micro import Micro
from lifespan.subjects.minilm import MiniLM
from lifespan.subjects.pretrained import Pretrained

__all__ = ["Micro", "MiniLM", "Pretrained"]
