"""What each table of the product shows, as columns over domain values; pure, used by the screens."""
