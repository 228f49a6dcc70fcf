"""Closed choices are `Literal`s: editors complete them, and the check at run time reads the same annotation."""

import inspect
import re
from dataclasses import MISSING, dataclass, fields
from typing import Literal

import pytest

from lifespan import Masks, Study, SynapseLoss, TopKMasks
from lifespan.cli import catalog
from lifespan.contracts.spec import Spec, literal_values
from lifespan.errors import ScenarioError
from lifespan.study.scenario import Between

KINDS = [entry.kind for entry in catalog.everything() if inspect.isclass(entry.kind) and issubclass(entry.kind, Spec)]
Shade = Literal["light", "dark"]


@dataclass(frozen=True, kw_only=True)
class Painted(Spec):
    shade: Shade = "light"
    thin: int = 1

    def __post_init__(self):
        self.require_literal("shade")


@dataclass(frozen=True, kw_only=True)
class Twice(Painted):
    more: "Literal['a', 3]" = "a"

    def __post_init__(self):
        super().__post_init__()
        self.require_literal("more")


def test_values_come_from_the_annotation_also_of_a_base_class_and_of_text():
    assert literal_values(Painted, "shade") == literal_values(Twice, "shade") == ("light", "dark")
    assert literal_values(Twice, "more") == ("a", 3)
    assert literal_values(Painted, "thin") == literal_values(Painted, "no_such_field") == ()
    assert literal_values(Study, "precision") == ("auto", "fp32", "bf16")
    assert literal_values(Between, "pairs") == ("twins", "individuals")
    assert literal_values(Masks, "start") == ("magnitude", "random", "two-level", "uniform")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_checked_choice_of_what_is_built_in_has_values_and_its_default_among_them(kind):
    for base in kind.__mro__:
        checked = re.findall(r'require_literal\("(\w+)"\)', inspect.getsource(base)) if base.__module__ != "builtins" else []
        for field in checked if base is not Spec else ():
            values = literal_values(kind, field)
            assert len(values) > 1
            default = next(each.default for each in fields(kind) if each.name == field)
            assert default is MISSING or default in values


@pytest.mark.parametrize(
    "make, said",
    [
        (
            lambda: Painted(shade="drak"),
            r"Painted\(shade='drak'\): is not known here. Did you mean 'dark'\? Known: light, dark.",
        ),
        (lambda: Twice(more=4), r"Twice\(more=4\): is not known here. Known: a, 3."),
        (lambda: Masks(start="randm"), r"Did you mean 'random'\? Known: magnitude, random, two-level, uniform."),
        (lambda: TopKMasks(scope="row"), r"Known: layer, global."),
        (lambda: SynapseLoss(by=["random"]), r"Known: random, weakest, importance."),
    ],
)
def test_a_wrong_choice_is_one_message_with_the_nearest_right_one(make, said):
    with pytest.raises(ScenarioError, match=said):
        make()


def test_show_prints_the_choices():
    assert "    start: 'magnitude' | 'random' | 'two-level' | 'uniform' = 'magnitude'," in catalog.signature(Masks)
