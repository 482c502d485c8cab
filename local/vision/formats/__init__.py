"""How files are built, as far as the service has to know it, found out by bounded looks into them."""
