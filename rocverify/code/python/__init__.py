"""What names stand for in Python: modules, scopes, classes and the values of expressions. The analyses
read records, and ask `rocverify.code.names_python`."""
