"""From callables to a fit."""
