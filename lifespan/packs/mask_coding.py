"""Masks in few bytes: what follows from magnitude and anatomy is left out, and the rest is range-coded.

A mask is coded as its XOR with a start mask that the reader can compute: the synapses stand in an order that both sides
know, and the first `boundary` of them are off. Two orders are tried, ascending abs(W) and the same with the dead in front,
and three boundaries, as many as the mask has off, as many as are dead, and where the fewest flip; the cheapest is kept.
Flips are drawn as Bernoulli, with one probability for the whole matrix or one for each of a few cells of the order,
whichever is cheaper: near the boundary flips are common, far from it rare.

One matrix is a header (order, manner, boundary, words), 16-bit probabilities, and 32-bit words of a range coder.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from typing import Any

import constriction
import numpy as np

BY_SIZE, DEAD_FIRST = range(2)
"""Orders: ascending abs(W); the dead, then the living, each ascending in abs(W)."""
EQUAL, PLAIN, CELLS = range(3)
"""Manners: no flip at all; one probability; one probability a cell."""

HEADER = struct.Struct("<BBII")
HALVINGS = 8

Cell = tuple[int, int]


class Undecodable(ValueError):
    """Raised for bytes that are no coded mask."""


@dataclass(frozen=True)
class Ranking:
    """The synapses of one matrix in the two orders in which masks are coded, as flat positions.

    `by_size` ascends in abs(W), ties by position; `dead_first` is the same with the `dead` synapses at the front.
    """

    by_size: np.ndarray
    dead_first: np.ndarray
    dead: int

    def among(self, alive: np.ndarray) -> Ranking:
        """The same matrix with the synapses dead that a boolean mask of its shape says."""
        ranked = alive.ravel()[self.by_size]
        dead_first = np.concatenate([self.by_size[~ranked], self.by_size[ranked]])
        return Ranking(self.by_size, dead_first, int(len(ranked) - ranked.sum()))

    def order(self, number: int) -> np.ndarray:
        """One of the two orders."""
        return self.by_size if number == BY_SIZE else self.dead_first

    def edges(self, order: int, boundary: int) -> list[int]:
        """Where cells begin and end: at halved distances on both sides of the boundary, and where the dead end."""
        count = len(self.by_size)
        distances = [count >> halving for halving in range(1, HALVINGS + 1)]
        edges = {0, count, boundary, *(boundary + d for d in distances), *(boundary - d for d in distances)}
        if order == DEAD_FIRST:
            edges.add(self.dead)
        return sorted(edge for edge in edges if 0 <= edge <= count)


@dataclass(frozen=True)
class Coded:
    """One coded matrix. `floor` is the least entropy in bits, n H(flips / n), that flips against any start mask have.

    Coding in cells can be cheaper: the floor takes flips as equally likely everywhere.
    """

    data: bytes
    floor: float


def ranking(weight: np.ndarray) -> Ranking:
    """The orders of a weight matrix in which all synapses live."""
    by_size = np.argsort(np.abs(weight).ravel(), kind="stable").astype(np.int32)
    return Ranking(by_size, by_size, 0)


def encode(mask: np.ndarray, ranks: Ranking) -> Coded:
    """The cheapest coding of a boolean mask (True: on) of the matrix that was ranked."""
    flat = np.asarray(mask, dtype=bool).ravel()
    off = int(len(flat) - flat.sum())
    attempts: list[Coded] = []
    for order in (BY_SIZE, DEAD_FIRST) if ranks.dead else (BY_SIZE,):
        ranked = flat[ranks.order(order)]
        attempts += [_coded(ranked, ranks, order, boundary) for boundary in sorted({off, ranks.dead, _fewest_flips(ranked)})]
    best = min(attempts, key=lambda coded: len(coded.data))
    return Coded(best.data, min(coded.floor for coded in attempts))


def decode(data: memoryview, ranks: Ranking) -> tuple[np.ndarray, int]:
    """(flat boolean mask, bytes used) of the matrix at the start of `data`. Raises `Undecodable`."""
    count = len(ranks.by_size)
    if len(data) < HEADER.size:
        raise Undecodable("it ends too early")
    order, manner, boundary, words = HEADER.unpack_from(data)
    if order > DEAD_FIRST or manner > CELLS or boundary > count:
        raise Undecodable("a matrix has a header that no mask has")
    cells = list(pairwise(_edges(ranks, order, manner, boundary)))
    start = HEADER.size + 2 * len(cells)
    used = start + 4 * words
    if used > len(data):
        raise Undecodable("it ends too early")
    chances = np.frombuffer(data, "<u2", len(cells), HEADER.size)
    body = np.frombuffer(data, "<u4", words, start).astype(np.uint32)
    delta = _decoded(body, cells, chances) if cells else np.zeros(count, dtype=bool)
    mask = np.empty(count, dtype=bool)
    mask[ranks.order(order)] = delta ^ _start(count, boundary)
    return mask, used


def entropy(flips: int, count: int) -> float:
    """Bits of `count` independent draws of which `flips` are 1: n H(flips / n).

    >>> entropy(1, 2), entropy(0, 9)
    (2.0, 0.0)
    """
    if flips in (0, count):
        return 0.0
    return -flips * log2(flips / count) - (count - flips) * log2(1 - flips / count)


def _fewest_flips(ranked: np.ndarray) -> int:
    """The boundary b at which as few entries as possible are on before it or off after it."""
    on_before = np.concatenate([[0], np.cumsum(ranked)])
    return int(np.argmin(2 * on_before - np.arange(len(ranked) + 1)))


def _coded(ranked: np.ndarray, ranks: Ranking, order: int, boundary: int) -> Coded:
    delta = ranked ^ _start(len(ranked), boundary)
    flips = int(delta.sum())
    options = []
    for manner in (PLAIN, CELLS) if flips else (EQUAL,):
        cells = list(pairwise(_edges(ranks, order, manner, boundary)))
        sums = [int(delta[a:b].sum()) for a, b in cells]
        chances = [_chance(k, b - a) for k, (a, b) in zip(sums, cells, strict=True)]
        bits = sum(16 + _bits(k, b - a, c) for k, (a, b), c in zip(sums, cells, chances, strict=True))
        options.append((bits, manner, cells, chances))
    _, manner, cells, chances = min(options, key=lambda option: option[0])
    body = _encoded(delta, cells, chances)
    header = HEADER.pack(order, manner, boundary, len(body))
    data = header + np.array(chances, dtype="<u2").tobytes() + body.astype("<u4").tobytes()
    return Coded(data, entropy(flips, len(ranked)))


def _start(count: int, boundary: int) -> np.ndarray:
    start = np.ones(count, dtype=bool)
    start[:boundary] = False
    return start


def _edges(ranks: Ranking, order: int, manner: int, boundary: int) -> list[int]:
    """Edges of the cells that carry a probability; none where nothing flips."""
    if manner == EQUAL:
        return [0]
    return [0, len(ranks.by_size)] if manner == PLAIN else ranks.edges(order, boundary)


def _chance(flips: int, count: int) -> int:
    """The probability of a flip in 16 bits, c for (c + 1/2) / 65536: never 0 nor 1."""
    return min(65535, int(flips / count * 65536))


def _probability(chance: int) -> float:
    return (int(chance) + 0.5) / 65536


def _bits(flips: int, count: int, chance: int) -> float:
    p = _probability(chance)
    return -flips * log2(p) - (count - flips) * log2(1 - p)


def _model(chance: int) -> Any:
    return constriction.stream.model.Bernoulli(_probability(chance), perfect=False)


def _encoded(delta: np.ndarray, cells: list[Cell], chances: list[int]) -> np.ndarray:
    coder = constriction.stream.queue.RangeEncoder()
    symbols = delta.astype(np.int32)
    for (a, b), chance in zip(cells, chances, strict=True):
        coder.encode(symbols[a:b], _model(chance))
    return coder.get_compressed()


def _decoded(body: np.ndarray, cells: list[Cell], chances: np.ndarray) -> np.ndarray:
    coder = constriction.stream.queue.RangeDecoder(body)
    try:
        parts = [coder.decode(_model(chance), b - a) for (a, b), chance in zip(cells, chances, strict=True)]
    except AssertionError:
        raise Undecodable("its bits fit no mask") from None
    if not coder.maybe_exhausted():
        raise Undecodable("its bits fit no mask")
    return np.concatenate(parts).astype(bool)
