"""Deafness: a disorder for Lifespan."""

from dataclasses import dataclass

from lifespan import Disorder


@dataclass(frozen=True, kw_only=True)
class Deafness(Disorder):
    """Some of the words of every training batch are not heard, from onset to end.

    Native parameter: the share of tokens that attention passes over, equal to `severity`; drawn anew at each step, and a
    larger share contains a smaller one. The first token, from which tasks answer, is always heard. Nothing is lost at a look:
    it is learning that goes deaf. Children who hear little learn from what remains (Moeller & Tomblin 2015): an analogy.
    """

    aetiology = "sensory deprivation"
    citation = """@article{moeller2015introduction,
  author = {Moeller, Mary Pat and Tomblin, J. Bruce},
  title = {An Introduction to the Outcomes of Children with Hearing Loss Study},
  journal = {Ear and Hearing},
  volume = {36},
  year = {2015},
  pages = {4S--13S},
  doi = {10.1097/AUD.0000000000000210}
}"""

    def batch(self, batch, course):
        import torch

        draw = torch.rand(batch["input_ids"].shape, generator=course.streams.torch("disorder", course.step))
        unheard = draw < self.severity
        unheard[:, 0] = False
        return {**batch, "attention_mask": batch["attention_mask"] * ~unheard}
