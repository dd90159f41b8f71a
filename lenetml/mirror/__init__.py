"""What W&B sees: a one-way copy of a search, and the same search in W&B's own grammar."""
