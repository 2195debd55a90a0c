"""From a plan to Python source, and from source to callables."""
