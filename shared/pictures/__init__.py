"""What bytes are: their kind and the sides of their pictures, from a bounded look at them. Nothing is decoded."""
