"""From argv to exit codes."""
