"""One kernel of a code object on arrays given by hand: launch, arguments, and inspection without a launch."""
