"""Who performs steps side by side: threads, processes, a cluster."""
