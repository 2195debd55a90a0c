"""From a graph to its variational family and first parameters."""
