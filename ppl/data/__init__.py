"""From files, frames and dicts to bound columns."""
