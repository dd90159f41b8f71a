"""The figures of a card: which a record has, their alternative texts, and how each is drawn."""
