"""Workers on a Ray cluster. Skipped where ray is not installed."""

import sys
import threading
import time

import pytest
from conftest import Listener, long_life, rows_of, tiny_life, tiny_study

from lifespan import Suffer, WeightNoise, simulate
from lifespan.engines.ray import Ray
from lifespan.errors import ScenarioError
from lifespan.record.leases import holders


def remove_when_both_work(cluster, node, store):
    """Take a node away as soon as two workers hold a step each."""
    while len({claim["pid"] for claim in holders(store)}) < 2:
        time.sleep(0.02)
    cluster.remove_node(node, allow_graceful=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_two_nodes_give_the_same_rows_and_the_loss_of_one_changes_nothing(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    healthy = long_life()
    ill = healthy.with_events(after=2, add=Suffer(WeightNoise(severity=0.5)))
    study = tiny_study(individuals=4, healthy=healthy, ill=ill)
    simulate(study, tmp_path / "alone", threads=1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        assert len([node for node in ray.nodes() if node["Alive"]]) == 2
        listener, place = Listener(), (cluster, second, tmp_path / "ray" / "store")
        sabotage = threading.Thread(target=remove_when_both_work, args=place, daemon=True)
        sabotage.start()
        outcome = simulate(study, tmp_path / "ray", threads=1, every=5, engine=Ray(), observer=listener)
        sabotage.join(timeout=30)
        assert sum("a worker was lost" in text for text in listener.said) == 1, listener.said
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert outcome.done == 8 and rows_of(tmp_path / "ray") == rows_of(tmp_path / "alone")


def test_without_ray_the_way_to_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ScenarioError, match=r"the package ray is not installed\. pip install 'lifespan\[ray\]'"):
        simulate(tiny_study(life=tiny_life()), tmp_path, engine=Ray(workers=1))


def test_wrong_numbers_are_refused():
    with pytest.raises(ScenarioError, match="workers=0: must be a whole number, at least 1"):
        Ray(workers=0)
    with pytest.raises(ScenarioError, match="gpus=0: must be a number above 0"):
        Ray(gpus=0)
