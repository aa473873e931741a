"""From must-haves to the checks that decide them."""
