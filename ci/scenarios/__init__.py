"""The acceptance scenarios: what must hold on a real cluster, one function each, and what they share."""
