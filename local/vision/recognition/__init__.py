"""What trained models see in a picture: words for it, things in boxes, faces, and whether it is for adults."""
