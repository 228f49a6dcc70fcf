"""Encoders that tell what their heads attend to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def told_attention(encoder: Any) -> Iterator[None]:
    """Inside this block an encoder of transformers can give its attention; faster ways of computing it cannot."""
    known = getattr(getattr(encoder, "config", None), "_attn_implementation", None)
    if known in (None, "eager"):
        yield
        return
    encoder.set_attn_implementation("eager")
    try:
        yield
    finally:
        encoder.set_attn_implementation(known)
