"""From a plan to the variational family: so far the coordinates of the automatic normal guide."""
