"""Random streams: the names, and so the draws, of every version are the same."""

import pytest

from lifespan.randomness import Streams, individual_seed

STEP = Streams(7, "learn/rte#0")


@pytest.mark.parametrize(
    "streams, key, purpose, counter, number, draws",
    [
        (STEP, "learn/rte#0", "order", 0, 5498299210195334022, [934, 80, 644]),
        (STEP.child("rte"), "learn/rte#0/rte", "order", 3, 542220562997095664, [848, 513, 50]),
        (Streams(7, "look").child("abc"), "look/abc", "evaluation", 0, 219578707196519517, [869, 637, 258]),
        (
            Streams(7, "look").child("abc").child("suffer/Typos#0"),
            *("look/abc/suffer/Typos#0", "disorder", 0, 8214623267349075908, [696, 646, 508]),
        ),
        (
            Streams(7, "suffer/Typos#0").child("learn/rte#0"),
            *("suffer/Typos#0/learn/rte#0", "disorder", 1, 9151502130474881265, [58, 977, 775]),
        ),
        (
            Streams(7, "disorder").child("vocabulary"),
            "disorder/vocabulary",
            "disorder",
            0,
            7737956528022068972,
            [284, 724, 66],
        ),
    ],
)
def test_golden_draws(streams, key, purpose, counter, number, draws):
    assert streams.key == key and streams.seed == 7
    assert streams.number(purpose, counter) == number
    assert streams.numpy(purpose, counter).integers(0, 1000, 3).tolist() == draws


def test_a_child_of_several_names_is_the_child_of_a_child():
    assert STEP.child("buffer", "rte") == STEP.child("buffer").child("rte") == Streams(7, "learn/rte#0/buffer/rte")
    assert STEP.child(3).number("order") != STEP.number("order", 3)


def test_individuals_count_on_from_the_study_s_seed():
    assert [individual_seed(5, individual) for individual in range(3)] == [5, 6, 7]
