"""What the language knows: tables of records. Only `kernels` imports numpy; the checker reads the rest."""
