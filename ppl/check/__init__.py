"""From a syntax tree to the core: names resolved, axes named, types and supports known, every complaint collected."""
