"""The findings about one config: errors, and warnings about what will surprise."""
