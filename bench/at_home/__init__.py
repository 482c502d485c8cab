"""What the app costs where it is at home, in the platform's worker: its log, its imports, its calls and uploads."""
