"""Guides that nobody wrote: their coordinates and families, and what a guide is fitted by."""
