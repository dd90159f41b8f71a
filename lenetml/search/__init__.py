"""Many trials: oracle, journal, loop."""
