"""Positions in a model file, and complaints about them."""
