"""From graph to graph: analyses return facts, rewrites use them."""
