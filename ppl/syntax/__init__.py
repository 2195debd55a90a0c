"""From text to a syntax tree, and back: the only room that knows lark."""
