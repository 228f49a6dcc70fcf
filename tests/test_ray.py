"""Workers on a Ray cluster. Skipped where ray is not installed."""

import sys

import pytest
from conftest import long_life, tiny_life, tiny_study

from lifespan import Suffer, WeightNoise, simulate
from lifespan.engines.observer import Observer
from lifespan.engines.ray import Ray
from lifespan.errors import ScenarioError


def rows(directory):
    return [(directory / name).read_bytes() for name in ("measurements.jsonl", "participants.tsv")]


class Saboteur(Observer):
    """Removes a node of the cluster once the first step of it has been told of."""

    def __init__(self, cluster, node):
        self.cluster, self.node, self.said = cluster, node, []

    def step_ends(self, life, step, seconds):
        if self.node is not None and step.index >= 1:
            node, self.node = self.node, None
            self.cluster.remove_node(node, allow_graceful=False)

    def warns(self, text):
        self.said.append(text)


@pytest.mark.filterwarnings("ignore")
def test_two_nodes_give_the_same_rows_and_the_loss_of_one_changes_nothing(tmp_path, monkeypatch):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    healthy = long_life()
    ill = healthy.with_events(after=2, add=Suffer(WeightNoise(severity=0.5)))
    study = tiny_study(individuals=2, healthy=healthy, ill=ill)
    simulate(study, tmp_path / "alone", threads=1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        ray.init(address=cluster.address, log_to_driver=False)
        assert len([node for node in ray.nodes() if node["Alive"]]) == 2
        saboteur = Saboteur(cluster, second)
        outcome = simulate(study, tmp_path / "ray", threads=1, every=5, engine=Ray(), observer=saboteur)
        assert len([node for node in ray.nodes() if node["Alive"]]) == 1
        assert any("a worker was lost" in text for text in saboteur.said), saboteur.said
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert outcome.done == 4 and rows(tmp_path / "ray") == rows(tmp_path / "alone")


def test_without_ray_the_way_to_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ScenarioError, match=r"the package ray is not installed\. pip install 'lifespan\[ray\]'"):
        simulate(tiny_study(life=tiny_life()), tmp_path, engine=Ray(workers=1))


def test_wrong_numbers_are_refused():
    with pytest.raises(ScenarioError, match="workers=0: must be a whole number, at least 1"):
        Ray(workers=0)
    with pytest.raises(ScenarioError, match="gpus=0: must be a number above 0"):
        Ray(gpus=0)
