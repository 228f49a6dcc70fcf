"""Hooks that change the inputs or outputs of an encoder's modules inside a block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from lifespan.contracts.subject import Subject
from lifespan.model.subject import layer_of

Change = Callable[[torch.Tensor], torch.Tensor]
"""A module's input or output to what takes its place."""


def layers(subject: Subject) -> list[nn.Module]:
    """The layers of the encoder's stack, from its input on. An ALBERT has one, which is passed several times."""
    return [subject.encoder.get_submodule(path) for path in dict.fromkeys(map(layer_of, subject.synapses))]


def matrices(subject: Subject) -> list[nn.Module]:
    """The linear layers that hold the synapses, in the order of `subject.synapses`."""
    return [subject.encoder.get_submodule(name.removesuffix(".weight")) for name in subject.synapses]


@contextmanager
def outputs_changed(changes: Iterable[tuple[nn.Module, Change]]) -> Iterator[None]:
    """Inside this block each module's output (of several outputs the first) is changed. Also lifted after an error."""

    def hook_of(change: Change) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
            return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

        return hook

    with ExitStack() as hooks:
        for module, change in changes:
            hooks.callback(module.register_forward_hook(hook_of(change)).remove)
        yield


@contextmanager
def inputs_changed(changes: Iterable[tuple[nn.Module, Change]]) -> Iterator[None]:
    """Inside this block what each module reads first is changed. Also lifted after an error."""

    def hook_of(change: Change) -> Any:
        return lambda module, inputs: (change(inputs[0]), *inputs[1:])

    with ExitStack() as hooks:
        for module, change in changes:
            hooks.callback(module.register_forward_pre_hook(hook_of(change)).remove)
        yield
