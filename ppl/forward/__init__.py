"""Models run forward: values, densities and draws by interpretation of the core, one array operation at a time."""
