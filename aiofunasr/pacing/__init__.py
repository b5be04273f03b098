"""How fast: pure rate control, with the time as an argument."""
