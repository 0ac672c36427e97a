"""On-demand reads: asked, sent, answered, shown."""
