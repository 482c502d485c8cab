"""The trained models of the vision service: which there are, where they come from, how set-up makes them."""
