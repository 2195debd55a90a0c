"""What a fit says: summaries, labelled draws, saved files, predictions."""
