"""What the language knows: tables of records. What computes (`kernels` and what it is made of) imports
numpy; what the checker reads does not."""
