"""What instruction semantics write to: the IR builder of one wave."""
