"""What people read: figures and cards, from the record alone."""
