"""From the core to one frozen networkx graph."""
