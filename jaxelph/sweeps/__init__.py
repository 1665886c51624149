"""One function at many points, on all the devices there are."""
