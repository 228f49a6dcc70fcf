"""Command lines and scenario fields of any content: an answer or one message, never anything unexpected."""

import contextlib
import io
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifespan import (
    Age,
    Develop,
    Learn,
    Magnitude,
    Masks,
    Micro,
    MicroTask,
    MicroText,
    Recover,
    Scenario,
    Study,
    UserError,
    Weights,
)
from lifespan.cli import main as cli

BRIEF = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
COMMAND_WORDS = (
    *("plan", "status", "report", "table", "log", "gc", "show", "list", "export", "verify", "new", "nothing"),
    *("--out", "--set", "--individuals", "--device", "--json", "--group", "--control", "--to", "--life", "--row", "--yes"),
    *("first_life", "here", "life.py", ".", "..", "/dev/null", "/proc/self/mem", "x" * 300, "", "-", "--", "a=b", "=", "é"),
    *("0", "-1", "9" * 400, "1e999", "nan", "\u2028", "\udcff", "\x1b[31m", "[/x]", "*", "~nobody", "None", "tensorboard"),
)
WORDS = st.sampled_from(COMMAND_WORDS)


def answered(*arguments):
    """(exit code, standard error) of a command line in this process."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    return end.value.code, said.getvalue()


@pytest.mark.slow
@BRIEF
@given(st.lists(WORDS, max_size=5))
def test_command_lines_of_any_words_are_answered(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("fuzzed")
    here = os.getcwd()
    os.chdir(folder)
    try:
        code, err = answered(*words)
    finally:
        os.chdir(here)
    assert code in (0, 1, 2) and "Error: unexpected" not in err and "Traceback" not in err, (words, err)


ODD = st.one_of(
    st.integers(),
    st.integers(min_value=10**4000, max_value=10**4000 + 5),
    st.floats(),
    st.text(max_size=5),
    st.booleans(),
    st.none(),
    st.just(()),
    st.just([]),
    st.just({}),
    st.just(b"x"),
    st.just(object),
)
LIFE = Scenario(name="x", subject=Micro(), events=())
FIELDS = [(Micro, name, {}) for name in ("layers", "width", "heads", "feed_forward", "positions", "dropout")] + [
    *((Develop, name, {"corpus": MicroText(number=10), "steps": 1}) for name in ("corpus", "steps", "batch_size", "length")),
    *((Learn, name, {"task": MicroTask("sentiment"), "by": Weights(steps=1)}) for name in ("task", "by", "length", "also")),
    *((Age, name, {"to": 0.5, "by": Magnitude()}) for name in ("to", "by")),
    *((Recover, name, {"steps": 1}) for name in ("steps", "by", "length")),
    *((Masks, name, {"steps": 1}) for name in ("steps", "rate", "epochs", "batch_size")),
    *((MicroTask, name, {"name": "sentiment"}) for name in ("name", "train_examples", "eval_examples")),
    *((Scenario, name, {"name": "x", "subject": Micro(), "events": ()}) for name in ("name", "subject", "events", "length")),
    *(
        (Study, name, {"name": "x", "groups": {"a": LIFE}})
        for name in ("name", "groups", "individuals", "seed", "control", "precision", "between", "length")
    ),
]


@pytest.mark.parametrize("kind, name, given_fields", FIELDS, ids=[f"{kind.__name__}.{name}" for kind, name, _ in FIELDS])
@settings(BRIEF, max_examples=15)
@given(value=ODD)
def test_fields_of_any_value_are_taken_or_refused(kind, name, given_fields, value):
    positional = [key for key in ("corpus", "task", "name") if key in given_fields and kind in (Develop, Learn, MicroTask)]
    fields = {**given_fields, name: value}
    first = [fields.pop(key) for key in positional]
    with contextlib.suppress(UserError):
        kind(*first, **fields)
