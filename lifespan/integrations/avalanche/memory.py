"""What an Avalanche strategy keeps between learnings, as tensors and one JSON text: no pickle."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from avalanche.benchmarks.utils import AvalancheDataset, concat_datasets
from avalanche.training.storage_policy import ClassBalancedBuffer, ExperienceBalancedBuffer, ReservoirSamplingBuffer
from avalanche.training.utils import ParamData

from lifespan.errors import LifespanError
from lifespan.integrations.avalanche.datasets import contents, dataset, widened
from lifespan.integrations.avalanche.model import Model, restored

BUFFERS = {kind.__name__: kind for kind in (ClassBalancedBuffer, ExperienceBalancedBuffer, ReservoirSamplingBuffer)}
FACTORIES = {"dict": dict, "set": set}


class Writer:
    """Turns values into plain data; tensors are put aside and named by their number."""

    def __init__(self) -> None:
        self.tensors: dict[str, torch.Tensor] = {}

    def put(self, tensor: torch.Tensor, kind: str = "values") -> int:
        number = len(self.tensors)
        self.tensors[f"tensor/{number:05d}/{kind}/"] = tensor.detach().clone()
        return number

    def write(self, value: Any) -> Any:
        match value:
            case None | bool() | int() | float() | str():
                return value
            case torch.Tensor():
                return {"tensor": self.put(value)}
            case ParamData():
                return {"parameter": value.name, "tensor": self.put(value.data)}
            case AvalancheDataset():
                if len(value) == 0:
                    return {"rows": None}
                x, y, t = contents(value)
                return {"rows": [self.put(x.to(torch.int32), "rows"), self.put(y), self.put(t)]}
            case Model():
                state = {name: self.put(tensor) for name, tensor in value.state_dict().items()}
                return {"model": state, "heads": len(value.heads), "known": sorted(value.known_train_tasks_labels)}
            case dict():
                factory = getattr(value, "default_factory", None)
                pairs = [[self.write(key), self.write(entry)] for key, entry in value.items()]
                return {"pairs": pairs, "default": factory.__name__ if factory is not None else None}
            case list() | tuple() | set():
                return {"items": [self.write(entry) for entry in value], "as": type(value).__name__}
        if type(value).__name__ in BUFFERS:
            return {"buffer": type(value).__name__, "facts": [[k, self.write(v)] for k, v in vars(value).items()]}
        raise LifespanError(f"an Avalanche strategy keeps a {type(value).__name__}, which cannot be written down")


class Reader:
    """Turns plain data and tensors back into values, rows padded to `length`."""

    def __init__(self, tensors: list[torch.Tensor], model: Model, length: int, padding: int) -> None:
        self.tensors, self.model, self.length, self.padding = tensors, model, length, padding

    def read(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if "parameter" in data:
            values = self.tensors[data["tensor"]].clone()
            return ParamData(data["parameter"], init_tensor=values, device=values.device)
        if "tensor" in data:
            return self.tensors[data["tensor"]].clone()
        if "rows" in data:
            if data["rows"] is None:
                return concat_datasets([])
            x, y, t = (self.tensors[i].cpu() for i in data["rows"])
            return dataset(widened(x.to(torch.int64), self.length, self.padding), y, t)
        if "model" in data:
            copied = restored(self.model, {name: self.tensors[i] for name, i in data["model"].items()}, data["heads"])
            copied.known_train_tasks_labels = set(data["known"])
            return copied
        if "pairs" in data:
            pairs = {self.read(key): self.read(entry) for key, entry in data["pairs"]}
            return defaultdict(FACTORIES[data["default"]], pairs) if data["default"] else pairs
        if "buffer" in data:
            kind = BUFFERS[data["buffer"]]
            buffer = kind.__new__(kind)
            buffer.__dict__.update({name: self.read(value) for name, value in data["facts"]})
            return buffer
        return {"list": list, "tuple": tuple, "set": set}[data["as"]](self.read(entry) for entry in data["items"])


def written(facts: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Plain facts, and values that are not plain, as tensors by name."""
    writer = Writer()
    data = {**facts, "values": {name: writer.write(value) for name, value in values.items()}}
    text = json.dumps(data).encode()
    return {"text": torch.frombuffer(bytearray(text), dtype=torch.uint8).clone(), **writer.tensors}


def outline(kept: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The plain data of what was written."""
    data: dict[str, Any] = json.loads(bytes(kept["text"].cpu().numpy()).decode())
    return data


def tensors_of(kept: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
    """The tensors of what was written, by number."""
    return [kept[name] for name in sorted(kept) if name.startswith("tensor/")]
