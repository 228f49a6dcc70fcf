"""Checkpoints, shared by all lives of a tree.

    store/<digest>/node.json     what the step left: facts, blob names, rows; written last, so its presence means done
    store/<digest>/looks/*.json  rows of the evaluations of this step; *.parquet beside it, outputs for every example
    store/<digest>/ended.json    instead of node.json, where the life diverged or failed here
    store/<digest>/partial.*     an unfinished step, replaced every N optimizer steps
    store/blobs/<sha256>.safetensors   tensors by content: what did not change is stored once
    store/claims/*.json          leases: which worker lives which step (`lifespan.record.leases`)

Every file is written under a temporary name and renamed, and every file has a checksum that reading verifies: blobs are
named by theirs, JSON files end with theirs, and those of Parquet files and unfinished tensors stand in the JSON beside
them. A JSON file says whose it is (`digest`, `evaluation`), so that one under another's name is found as well; those of
before it did so are believed. A file that does not match is reported and counts as missing, so that it is lived again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lifespan.contracts.checkpoint import Snapshot
from lifespan.errors import RecordError
from lifespan.reading import plain_bytes, reading
from lifespan.record import _tensors
from lifespan.record.examples import as_parquet
from lifespan.record.files import read_sealed, sha_of, write_bytes, write_sealed
from lifespan.record.untrusted import checksum, is_checksum, no_link, part
from lifespan.study.plan import Step

if TYPE_CHECKING:
    import torch

Tensors: TypeAlias = "Mapping[str, torch.Tensor]"

NODE = {"facts": dict, "rows": list, "blobs": dict, "optimizer_steps": int, "examples": int, "tokens": int, "seconds": float}
"""What a node must hold, and of which kind, so that a step counts as lived."""
IN_THE_WAY = "Remove it: what belongs there is computed again."
"""What to do with something in the store that no worker wrote."""


class Corrupt(RecordError):
    """A stored file does not have the content that its name promises."""


class Store:
    """Content-addressed state under one folder. `warn` is called once for every file that is found damaged."""

    def __init__(self, root: Path, warn: Callable[[str], None] = lambda text: None) -> None:
        self.root, self._warn = root, warn
        self._damaged: set[Path] = set()

    def node(self, digest: str) -> dict[str, Any] | None:
        """What a finished step left, or None."""
        found = self._sealed(self.folder(digest) / "node.json", digest=digest)
        return found if found is not None and self._is_whole(found, digest) else None

    def has_node(self, digest: str) -> bool:
        """Whether a step is finished, without reading what it left."""
        return (self.folder(digest) / "node.json").is_file()

    def folder(self, digest: str) -> Path:
        """The folder of a step. Raises `RecordError` for what is no name of one."""
        return self.root / part(digest, self.root)

    def complete(self, step: Step) -> bool:
        """Whether a step and all its evaluations are stored, with the content that they were saved with."""
        node = self.node(step.digest)
        if node is None:
            return False
        if not holds(node, NODE):
            self._warn_damaged(self.root / step.digest / "node.json")
            return False
        return all(self.evaluation(step.digest, evaluation.digest) is not None for evaluation in step.evaluations)

    def ended(self, digest: str) -> dict[str, Any] | None:
        """How a life ended at this step (`status`, `reason`), or None."""
        return self._sealed(self.folder(digest) / "ended.json", {"status": str, "reason": str}, digest=digest)

    def evaluation(self, digest: str, evaluation: str) -> list[dict[str, Any]] | None:
        """Rows of a finished evaluation, or None."""
        found = self._evaluation(digest, evaluation)
        return None if found is None else found["rows"]

    def save_node(self, digest: str, groups: Mapping[str, Tensors], content: Mapping[str, Any]) -> None:
        """Store a step: its blobs first, its node last. The node's `bytes` are those of the blobs that no step had stored."""
        new, blobs = 0, {}
        for name, tensors in groups.items():
            blobs[name], size = self._save_blob(tensors)
            new += size
        self._write(self.folder(digest) / "node.json", {"digest": digest, **content, "blobs": blobs, "bytes": new})
        self.drop_partial(digest)

    def save_ended(self, digest: str, content: Mapping[str, Any]) -> None:
        """Store how a life ended at this step."""
        self._write(self.folder(digest) / "ended.json", {"digest": digest, **content})
        self.drop_partial(digest)

    def drop_ended(self, digest: str) -> None:
        """Forget that a life ended at this step."""
        self._delete(self.folder(digest) / "ended.json")

    def bulk(self, digest: str, evaluation: str) -> Path | None:
        """The Parquet file of a finished evaluation's outputs for every example; None where it has none, or a damaged one."""
        path = self._look(digest, evaluation).with_suffix(".parquet")
        there = path.is_file() and not path.is_symlink()
        return path if there and self._evaluation(digest, evaluation) is not None else None

    def evaluation_seconds(self, digest: str, evaluation: str) -> float:
        """Wall time of a finished evaluation in seconds; 0 where there is none."""
        return float((self._evaluation(digest, evaluation) or {}).get("seconds", 0.0))

    def evaluation_made(self, digest: str, evaluation: str) -> dict[str, Any]:
        """Who made a finished evaluation; nothing where that was not stored yet, or there is none."""
        return dict((self._evaluation(digest, evaluation) or {}).get("made") or {})

    def save_evaluation(
        self, digest: str, evaluation: str, rows: list[dict[str, Any]], seconds: float, made: Mapping[str, Any] | None = None
    ) -> None:
        """Store the rows of an evaluation and who `made` them; those with `columns` go to a table beside them."""
        path = self._look(digest, evaluation)
        content: dict[str, Any] = {"digest": digest, "evaluation": evaluation}
        content |= {"rows": [row for row in rows if "columns" not in row], "seconds": seconds}
        if made is not None:
            content["made"] = dict(made)
        sheets = [row for row in rows if "columns" in row]
        if sheets:
            table = as_parquet(sheets)
            write_bytes(path.with_suffix(".parquet"), table, within=self.root)
            content["table"] = hashlib.sha256(table).hexdigest()
        self._write(path, content)

    def _evaluation(self, digest: str, evaluation: str) -> dict[str, Any] | None:
        path = self._look(digest, evaluation)
        found = self._sealed(path, {"rows": list, "seconds": float}, digest=digest, evaluation=evaluation)
        table = path.with_suffix(".parquet")
        with reading(table, IN_THE_WAY):
            if found is None or "table" not in found or sha_of(table) == found["table"]:
                return found
        self._warn_damaged(table)
        return None

    def _look(self, digest: str, evaluation: str) -> Path:
        """The file of an evaluation's rows."""
        return self.folder(digest) / "looks" / f"{part(evaluation, self.root)}.json"

    def _sealed(self, path: Path, keys: Mapping[str, type] | None = None, **whose: str) -> dict[str, Any] | None:
        """What a sealed file holds.

        None where there is none, and where it is damaged, lacks one of the `keys` or is not `whose` it should be.
        """
        with reading(path, IN_THE_WAY):
            try:
                found = read_sealed(path)
            except FileNotFoundError:
                return None
            except ValueError:
                found = None
        if found is None or not holds(found, keys or {}):
            self._warn_damaged(path)
            return None
        if any(found.get(name, own) != own for name, own in whose.items()):
            self._warn_once(path, "the content is another step's or evaluation's.")
            return None
        return found

    def _is_whole(self, node: Mapping[str, Any], digest: str) -> bool:
        """Whether a node has what is read of one."""
        facts, rows, blobs = node.get("facts"), node.get("rows", []), node.get("blobs", {})
        kinds = isinstance(facts, dict) and isinstance(rows, list) and isinstance(blobs, dict)
        if kinds and all(isinstance(row, dict) for row in rows) and all(map(is_checksum, blobs.values())):
            return True
        self._warn_once(self.folder(digest) / "node.json", "it is no record of a step.")
        return False

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        write_sealed(path, content, within=self.root)

    def _delete(self, path: Path) -> None:
        no_link(path.parent, self.root)
        path.unlink(missing_ok=True)

    def _warn_damaged(self, path: Path) -> None:
        """Warn once that a file is damaged."""
        self._warn_once(path, "the content does not match its checksum.")

    def _warn_once(self, path: Path, what: str) -> None:
        if path not in self._damaged:
            self._damaged.add(path)
            self._warn(f"{path}: {what} What it held is computed again.")

    def load_state(self, digest: str) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
        """(facts, tensors by group) of a finished step. Raises `Corrupt` where a blob's checksum does not match."""
        node = self.node(digest)
        if node is None or not holds(node, {"facts": dict, "blobs": dict}):
            raise Corrupt(str(self.root / digest), "this step has no checkpoint.", "The step is lived again.")
        return node["facts"], {name: self._load_blob(blob) for name, blob in node["blobs"].items()}

    def forget(self, digest: str) -> None:
        """Drop a step, so that it is lived again. Blobs with a wrong content go, others stay."""
        node = self.node(digest) or {"blobs": {}}
        for blob in node["blobs"].values():
            path = self._blob_path(blob)
            if sha_of(path) != blob:
                self._delete(path)
        self._delete(self.folder(digest) / "node.json")

    def save_partial(self, digest: str, snapshot: Snapshot) -> None:
        """Store an unfinished step; the newest replaces the one before."""
        data = _tensors.to_bytes(snapshot.tensors)
        folder = self.folder(digest)
        write_bytes(folder / "partial.safetensors", data, within=self.root)
        facts = {**snapshot.facts, "digest": digest, "sha256": hashlib.sha256(data).hexdigest()}
        self._write(folder / "partial.json", facts)

    def load_partial(self, digest: str) -> Snapshot | None:
        """The newest state of an unfinished step; None where there is none or its two files do not match."""
        facts = self._sealed(self.folder(digest) / "partial.json", {"sha256": str}, digest=digest)
        path = self.folder(digest) / "partial.safetensors"
        if facts is None or not path.exists():
            return None
        with reading(path, IN_THE_WAY):
            data = plain_bytes(path)
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            self._warn_damaged(path)
            return None
        return Snapshot(_tensors.from_bytes(data), facts)

    def progress(self, digest: str) -> int:
        """Optimizer steps of an unfinished step that are kept."""
        done = (self._sealed(self.folder(digest) / "partial.json", digest=digest) or {}).get("done", 0)
        return done if isinstance(done, int) else 0

    def drop_partial(self, digest: str) -> None:
        """Remove the unfinished state of a step that is now finished."""
        for name in ("partial.json", "partial.safetensors"):
            self._delete(self.folder(digest) / name)

    def _blob_path(self, sha: str) -> Path:
        return self.root / "blobs" / f"{checksum(sha, self.root)}.safetensors"

    def _save_blob(self, tensors: Tensors) -> tuple[str, int]:
        """(checksum, bytes written: 0 where the same content was there)."""
        data = _tensors.to_bytes(_tensors.packed(tensors))
        sha = hashlib.sha256(data).hexdigest()
        path = self._blob_path(sha)
        if path.exists():
            return sha, 0
        write_bytes(path, data, within=self.root)
        return sha, len(data)

    def _load_blob(self, sha: str) -> dict[str, torch.Tensor]:
        path = self._blob_path(sha)
        with reading(path, IN_THE_WAY):
            try:
                data = plain_bytes(path)
            except FileNotFoundError:
                raise Corrupt(str(path), "the checkpoint is missing.", "The step is lived again.") from None
        if hashlib.sha256(data).hexdigest() != sha:
            raise Corrupt(str(path), "the checkpoint's content does not match its checksum.", "The step is lived again.")
        try:
            return _tensors.unpacked(_tensors.from_bytes(data))
        except ValueError as error:
            raise Corrupt(str(path), f"the checkpoint cannot be read ({error}).", "The step is lived again.") from None


def holds(found: Mapping[str, Any], keys: Mapping[str, type]) -> bool:
    """Whether an object has these keys with values of these kinds; whole numbers pass for others, and lists hold objects."""
    for key, kind in keys.items():
        value = found.get(key)
        if not isinstance(value, kind if kind is not float else int | float) or isinstance(value, bool):
            return False
        if isinstance(value, list) and not all(isinstance(entry, dict) for entry in value):
            return False
    return True
