"""What of a plan is seen besides its tree: graph, forecast, problems and differences."""
