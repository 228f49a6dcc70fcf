"""Disorders of the pruning schedule: too early, too late, too much, too little, the wrong synapses."""
