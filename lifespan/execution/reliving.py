"""Steps of a record, lived once more in a folder of their own; the record's store is only read."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from lifespan import hardware
from lifespan.errors import Diverged, RecordError, UserError
from lifespan.execution.executor import Executor
from lifespan.record.store import Store
from lifespan.study.plan import Pair, Plan, Step
from lifespan.training.loop import Interrupted

Start = Literal["store", "nothing"]
NEVER = 2**31
"""Optimizer steps between saved states inside a step: none is saved, as nothing goes on from it."""
DECIDING = ("device", "gpu", "cpu", "threads", "torch", "numpy", "transformers")
"""Entries of `hardware.maker` on which the last bits of a sum may depend."""


class NotPossible(UserError):
    """A step cannot be lived again here; `why` says why in one sentence."""

    @property
    def why(self) -> str:
        return f"{self.where} {self.what} {self.remedy}"


@dataclass
class Lived:
    """What a step left when it was lived again: its node, or how the life ended there, and rows by evaluation."""

    node: dict[str, Any] | None = None
    ended: dict[str, Any] | None = None
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    store: Store | None = None


@dataclass
class Reliving:
    """Lives steps of a plan again under `folder`, from the states of a record's store or from birth on.

    `threads` and `device` default to those that each step and evaluation was recorded with.
    """

    plan: Plan
    recorded: Store
    folder: Path
    start: Start = "store"
    device: str | None = None
    threads: int | None = None
    usual_threads: int = 1

    def step(self, digest: str, looks: Collection[str]) -> Lived:
        """Live one step, and make these evaluations of it. Raises `NotPossible`, or `RecordError` where an input changes."""
        store = self._store_for(digest)
        path = self.plan.path_to(digest)
        try:
            self._prepare(store, path[:-1])
            return self._lived(store, path, looks)
        except Diverged as error:
            steps = max((done for done, *_ in error.points), default=0)
            ended = {"status": "diverged", "reason": str(error), "rows": list(error.rows), "optimizer_steps": steps}
            return Lived(ended=ended, store=store)
        except (RecordError, NotPossible, Interrupted):
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            return Lived(ended={"status": "failed", "reason": reason, "rows": [], "optimizer_steps": 0}, store=store)

    def pair(self, pair: Pair) -> list[dict[str, Any]]:
        """Compare two lives again."""
        store = self._store_for(pair.digest)
        for step in (pair.one, pair.other):
            self._prepare(store, self.plan.path_to(step.digest))
        first, second = (self._executor(store, self.made_of(pair.one.digest, pair.digest)) for _ in range(2))
        with settled(first.device, self._threads(self.made_of(pair.one.digest, pair.digest))):
            first.compare_pair(self.plan, pair, second)
        return store.evaluation(pair.one.digest, pair.digest) or []

    def clear(self, digest: str) -> None:
        """Remove what living a step or a comparison left, unless others go on from it."""
        if self.start == "store":
            shutil.rmtree(self.folder / digest[:16], ignore_errors=True)

    def made_of(self, digest: str, look: str | None = None) -> dict[str, Any]:
        """Who lived a recorded step, or made an evaluation of it; nothing where that was not stored."""
        own = dict((self.recorded.node(digest) or {}).get("made") or {})
        return own if look is None else self.recorded.evaluation_made(digest, look) or own

    def apart(self, made: Mapping[str, Any], precision: str) -> list[str]:
        """What decides about the last bits and is otherwise here than it was, such as "threads 1, not 2"."""
        device = self._device(made)
        with settled(device, self._threads(made)):
            here = hardware.maker(device=device, precision=precision)
        if not made:
            return ["who lived it was not recorded"]
        return [
            f"{name} {here[name]}, not {made.get(name)}"
            for name in DECIDING
            if _kind(name, here[name]) != _kind(name, made.get(name))
        ]

    def _lived(self, store: Store, path: list[Step], looks: Collection[str]) -> Lived:
        """Live the last step of a path with the evaluations that its own maker made, then make the others."""
        step = path[-1]
        own = self.made_of(step.digest)
        wanted = [each for each in step.evaluations if each.digest in looks]
        by_threads: dict[int, list[str]] = {self._threads(own): []}
        for each in wanted:
            by_threads.setdefault(self._threads(self.made_of(step.digest, each.digest)), []).append(each.digest)
        executor = self._executor(store, own)
        for threads, digests in by_threads.items():
            chosen = tuple(each for each in wanted if each.digest in digests)
            with settled(executor.device, threads):
                executor.complete_step(self.plan, [*path[:-1], replace(step, evaluations=chosen)], self._life(step))
        rows = {each.digest: store.evaluation(step.digest, each.digest) or [] for each in wanted}
        return Lived(store.node(step.digest), None, rows, store)

    def _prepare(self, store: Store, path: list[Step]) -> None:
        """Give a store the steps of a path: links to the record's, or from birth on."""
        if self.start == "store":
            for step in path:
                self._link(store, step.digest, needed=step is path[-1])
            return
        for end, step in enumerate(path, 1):
            if not store.has_node(step.digest):
                made = self.made_of(step.digest)
                executor = self._executor(store, made)
                with settled(executor.device, self._threads(made)):
                    bare = [*path[: end - 1], replace(step, evaluations=())]
                    executor.complete_step(self.plan, bare, self._life(step))

    def _link(self, store: Store, digest: str, *, needed: bool) -> None:
        """Link a step of the record into a store; its state must be whole where the step after it goes on from there."""
        node = self.recorded.node(digest)
        if node is None:
            if needed:
                raise NotPossible("the state that it goes on from", "is not in the store.", FROM_NOTHING)
            return
        for blob in node["blobs"].values():
            source, target = (one.root / "blobs" / f"{blob}.safetensors" for one in (self.recorded, store))
            if source.is_file():
                _symlink(source, target)
            elif needed:
                raise NotPossible("the state that it goes on from", "is not in the store.", FROM_NOTHING)
        if needed:
            self.recorded.load_state(digest)
        _symlink(self.recorded.root / digest / "node.json", store.root / digest / "node.json")

    def _store_for(self, digest: str) -> Store:
        return Store(self.folder / ("lives" if self.start == "nothing" else digest[:16]))

    def _executor(self, store: Store, made: Mapping[str, Any]) -> Executor:
        return Executor(store, self._device(made), NEVER)

    def _life(self, step: Step) -> Any:
        return next(life for life in self.plan.lives if any(one.digest == step.digest for one in life.steps))

    def _threads(self, made: Mapping[str, Any]) -> int:
        return int(self.threads or made.get("threads") or self.usual_threads)

    def _device(self, made: Mapping[str, Any]) -> str:
        device = self.device or str(made.get("device") or "cpu")
        if not device.startswith("cuda"):
            return device
        if not torch.cuda.is_available():
            what = f"was lived on {made.get('gpu') or device}, and this machine or this torch build has no CUDA device."
            raise NotPossible("it", what, "--device cpu compares within a tolerance.")
        return device if int(device.partition(":")[2] or 0) < torch.cuda.device_count() else "cuda"


def _kind(name: str, told: Any) -> Any:
    """What of an entry counts: of a device only whether it is a GPU."""
    return str(told).partition(":")[0] if name == "device" else told


FROM_NOTHING = "--from nothing lives all that leads there."


@contextmanager
def settled(device: str, threads: int) -> Iterator[None]:
    """Inside this block torch computes with so many threads."""
    before = torch.get_num_threads()
    hardware.settle_arithmetic(threads=threads, device=device)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _symlink(source: Path, target: Path) -> None:
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source.resolve())


def looks_of(known: Mapping[str, Any], step: Step, store: Store) -> tuple[list[str], list[str]]:
    """(recorded evaluations of a step that can be made here, those that cannot), by digest."""
    recorded: Iterable[str] | None = (known.get("nodes") or {}).get(step.digest, {}).get("looks")
    here = [each.digest for each in step.evaluations]
    if recorded is None or store.ended(step.digest) is not None:
        return [each for each in here if store.evaluation(step.digest, each) is not None], []
    return [each for each in recorded if each in here], [each for each in recorded if each not in here]
