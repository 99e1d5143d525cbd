"""Reaction systems as users write them."""
