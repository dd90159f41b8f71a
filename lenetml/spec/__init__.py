"""What the user wrote: text in, a checked spec out. pydantic and yaml only."""
