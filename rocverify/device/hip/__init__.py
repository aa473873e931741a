"""HIP's rules on plain numbers: memory, copies, modules, launches, streams, events, graphs."""
